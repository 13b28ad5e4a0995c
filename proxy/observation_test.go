package proxy

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// observations is an observer.
type observations struct {
	mu   sync.Mutex
	seen []Observation
}

func (o *observations) add(one Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, one)
}

// next waits for the outcome of a request: the client has its answer before the handler ends.
func (o *observations) next(t *testing.T) Observation {
	t.Helper()
	for range 500 {
		o.mu.Lock()
		if len(o.seen) > 0 {
			one := o.seen[0]
			o.seen = o.seen[1:]
			o.mu.Unlock()
			return one
		}
		o.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no outcome")
	return Observation{}
}

func TestObservations_16_1_1(t *testing.T) {
	var seen observations
	g := newRig(t, settings{observe: seen.add, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/open", Access: Access{Mode: ModePublic}},
		{Host: "other.example.com", Path: "/x", Access: Access{Mode: ModePublic}},
	}})
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open/broken" {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/open/dead" {
			panic(http.ErrAbortHandler)
		}
	})
	for _, c := range []struct {
		path   string
		header []string
		want   Observation
	}{
		{"/page", nil, Observation{Route: "/", Status: 401}},
		{"/open/a/b/c?d", nil, Observation{Route: "/open", Status: 200}},
		{"/x", []string{"Host", "other.example.com"}, Observation{Route: "other.example.com/x", Status: 200}},
		{"/.auth/login", nil, Observation{Route: RoutePortal, Status: 200}},
		{"/%00", nil, Observation{Route: RouteNone, Status: 400, Event: "request_refused"}},
		{"/open/dead", nil, Observation{Route: "/open", Status: 502, Event: EventUpstreamFailed}},
		{"/open/broken", nil, Observation{Route: "/open", Status: 200, Event: EventUpstreamFailed}},
	} {
		t.Run(c.path, func(t *testing.T) {
			g.get(c.path, c.header...)
			if diff := cmp.Diff(c.want, seen.next(t), cmpopts.IgnoreFields(Observation{}, "Took")); diff != "" {
				t.Errorf("GET %s: (-want +got)\n%s", c.path, diff)
			}
		})
	}
}
