package proxy

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/auth"
)

// touches counts, and gives every session of a user the same end.
type touches struct {
	n    atomic.Int64
	ends auth.Deadlines
}

func (c *touches) Touch(_ context.Context, p auth.Principal) auth.Principal {
	if !p.Anonymous() {
		c.n.Add(1)
		p.Ends = c.ends
	}
	return p
}

func TestTouch_7_3_1(t *testing.T) {
	count := &touches{}
	login := Access{Mode: ModeLogin}
	g := newRig(t, settings{activity: count, routes: []Route{
		{Path: "/", Access: login}, {Path: "/poll", Access: login, NoTouch: true}, {Path: "/open", Access: Access{Mode: ModePublic}},
		{Path: "/staff", Access: Access{Mode: ModeLogin, Staff: true}}}})
	key := g.login("1")
	for _, c := range []struct {
		name, path string
		headers    []string
		want       int64
	}{
		{"a page", "/", []string{"Cookie", session(key)}, 1},
		{"polling", "/poll", []string{"Cookie", session(key)}, 0},
		{"a public page", "/open", []string{"Cookie", session(key)}, 0},
		{"a page of others", "/staff", []string{"Cookie", session(key)}, 1},
		{"forward-auth", "/.auth/verify", []string{"Cookie", session(key)}, 1},
		{"nobody", "/", nil, 0},
	} {
		count.n.Store(0)
		g.get(c.path, c.headers...)
		if got := count.n.Load(); got != c.want {
			t.Errorf("%s: counted %d times as activity, want %d", c.name, got, c.want)
		}
	}
}

func TestTimeLeftHeader(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name      string
		ends      auth.Deadlines
		low, high int
	}{
		{"the record's end", auth.Deadlines{}, 1209500, 1209600},
		{"idle first", auth.Deadlines{Idle: now.Add(time.Hour), Absolute: now.Add(2 * time.Hour)}, 3500, 3600},
		{"absolute first", auth.Deadlines{Idle: now.Add(2 * time.Hour), Absolute: now.Add(time.Hour)}, 3500, 3600},
		{"record first", auth.Deadlines{Idle: now.Add(1000 * time.Hour)}, 1209500, 1209600},
	} {
		g := newRig(t, settings{activity: &touches{ends: c.ends}, left: "X-Left", routes: []Route{{Path: "/", Access: Access{Mode: ModeOptional}}}})
		g.app.serve(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Left", "forged") })
		res := g.get("/", "Cookie", session(g.login("1")))
		if left, err := strconv.Atoi(strings.Join(res.Header["X-Left"], ",")); err != nil || left < c.low || left > c.high {
			t.Errorf("%s: got %q seconds, want %d to %d", c.name, res.Header["X-Left"], c.low, c.high)
		}
		if res := g.get("/"); len(res.Header["X-Left"]) > 0 {
			t.Errorf("%s: nobody is told %q", c.name, res.Header["X-Left"])
		}
	}
}

// Every reading of a path counts.
func TestMaxAuthAge_7_5_3(t *testing.T) {
	login := Access{Mode: ModeLogin}
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: login}, {Path: "/young", Access: login, MaxAuthAge: time.Hour}}})
	alice := usersOfTests["1"]
	key := g.login("1")
	for _, c := range []struct {
		name, path string
		age        time.Duration
		status     int
	}{
		{"a young login", "/young", 59 * time.Minute, 200},
		{"an old login", "/young", 61 * time.Minute, 401},
		{"an old login elsewhere", "/", 61 * time.Minute, 200},
		{"another reading of the path", "/x/..%2fyoung", 61 * time.Minute, 401},
	} {
		alice.AuthTime = time.Now().Add(-c.age)
		g.users.set("1", alice)
		if res := g.get(c.path, "Cookie", session(key)); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.status)
		}
	}
	res := g.get("/young", "Cookie", session(key), "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	if at := res.Header.Get("Location"); res.StatusCode != 401 && at != "/.auth/login?next=%2Fyoung&again=1" {
		t.Errorf("navigation: %d to %q", res.StatusCode, at)
	}
}

// An answer that goes on is cut off when the session has lasted as long as it may.
func TestLongestLifetimeCutsOff_J6(t *testing.T) {
	g := newRig(t, settings{activity: &touches{ends: auth.Deadlines{Absolute: time.Now().Add(500 * time.Millisecond)}}})
	left := make(chan struct{})
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		_, _ = w.Write([]byte("begun"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	req, err := http.NewRequest(http.MethodGet, "http://"+g.addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", session(g.login("1")))
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	<-left
	g.log.waitFor(t, "session_ended")
}
