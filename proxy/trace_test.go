package proxy

import (
	"net/http"
	"strings"
	"testing"
)

const (
	aTrace  = "0af7651916cd43dd8448eb211c80319c"
	aParent = "00-" + aTrace + "-b7ad6b7169203331-01"
)

func TestTraceParent(t *testing.T) {
	for parent, want := range map[string]string{
		aParent: aTrace, "cc-" + aTrace + "-b7ad6b7169203331-01": aTrace, "cc-" + aTrace + "-b7ad6b7169203331-01-what-comes": aTrace,
		"": "", "00": "", aParent + "-more": "", "cc-" + aTrace + "-b7ad6b7169203331-01.more": "", "ff" + aParent[2:]: "",
		strings.ToUpper(aParent): "", strings.Replace(aParent, "-b7", "_b7", 1): "", strings.Replace(aParent, "0af", "0ag", 1): "",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": "", "00-" + aTrace + "-0000000000000000-01": "", aParent[:54] + "\n": "",
	} {
		if got := traceID(parent); got != want {
			t.Errorf("traceID(%q) = %q, want %q", parent, got, want)
		}
	}
}

func TestTraceContext(t *testing.T) {
	for _, c := range []struct {
		name    string
		rule    Trace
		trusted bool
		parent  []string
		state   []string
		id      string // * for a new one
		passes  bool   // the state does, too
	}{
		{"none", Trace{}, false, nil, nil, "", false},
		{"anybody's", Trace{}, false, []string{aParent}, []string{"a=1", "b=2"}, aTrace, true},
		{"bad, and so its state", Trace{}, false, []string{"x"}, []string{"a=1"}, "", false},
		{"two", Trace{}, false, []string{aParent, aParent}, []string{"a=1"}, "", false},
		{"a state alone", Trace{}, false, nil, []string{"a=1"}, "", false},
		{"a state too long", Trace{}, false, []string{aParent}, []string{"a=" + strings.Repeat("x", maxTraceState)}, aTrace, false},
		{"of a stranger", Trace{Trusted: true}, false, []string{aParent}, []string{"a=1"}, "", false},
		{"of a trusted proxy", Trace{Trusted: true}, true, []string{aParent}, []string{"a=1"}, aTrace, true},
		{"made", Trace{Create: true}, false, nil, nil, "*", false},
		{"made anew", Trace{Trusted: true, Create: true}, false, []string{aParent}, []string{"a=1"}, "*", false},
		{"not made where there is one", Trace{Create: true}, false, []string{aParent}, nil, aTrace, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			if c.parent != nil {
				h[traceParent] = c.parent
			}
			if c.state != nil {
				h[traceState] = c.state
			}
			id := c.rule.of(h, c.trusted)
			if c.id == "*" && (id == aTrace || id == "") || c.id != "*" && id != c.id {
				t.Errorf("trace %q, want %q", id, c.id)
			}
			if got := traceID(h.Get(traceParent)); got != id || (h[traceState] != nil) != c.passes {
				t.Errorf("passed on: %v; want trace %q, state %v", h, id, c.passes)
			}
		})
	}
}

// It passes through, on the way for plain requests and on the other, and is in the access record.
func TestTraceIsForwardedAndLogged(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	seen := make(chan string, 1)
	g.app.serve(func(_ http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get(traceParent) + r.Header.Get(traceState)
	})
	g.get("/page", traceParent, aParent, traceState, "a=1")
	if got := <-seen; got != aParent+"a=1" {
		t.Errorf("the upstream got %q, want what the client sent", got)
	}
	g.log.waitFor(t, `"trace_id":"`+aTrace+`"`)
	g.get("/page", traceParent, "made up", traceState, "a=1")
	if got := <-seen; got != "" {
		t.Errorf("the upstream got %q, want nothing of what is not valid", got)
	}
}

func FuzzTraceParent(f *testing.F) {
	f.Add(aParent)
	f.Add("cc-" + aTrace + "-b7ad6b7169203331-01-x")
	f.Fuzz(func(t *testing.T, parent string) {
		if id := traceID(parent); id != "" && (len(id) != 32 || !lowerHex(id) || !strings.HasPrefix(parent[3:], id)) {
			t.Errorf("traceID(%q) = %q", parent, id)
		}
	})
}
