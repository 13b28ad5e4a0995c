package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// limitRoutes: /poll is what a page asks for by itself, /young wants a login of the last minute.
const limitRoutes = `
routes:
  - {path: /, upstream: %[1]q, access: login}
  - {path: /poll, upstream: %[1]q, access: login, touch: false}
  - {path: /young, upstream: %[1]q, access: login, max_auth_age: 3s}
`

func limited(t *testing.T, e engine, lines ...string) (*process, settings) {
	t.Helper()
	s := newSettings(t, e)
	s.session, s.extra = lines, fmt.Sprintf(limitRoutes, events(t).URL)
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	return p, s
}

// in reports whether a request that is no activity is let in.
func (v *visitor) in() bool {
	v.t.Helper()
	res, err := v.client.Do(v.request(http.MethodGet, "/poll", "", "Accept", "application/json"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close() // the events do not end
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusUnauthorized {
		v.t.Fatalf("got %s", res.Status)
	}
	return res.StatusCode == http.StatusOK
}

// whoAmI is what our own page says of the session; polling it is no activity.
func (v *visitor) whoAmI() (said struct {
	SecondsLeft     *int       `json:"seconds_left"`
	IdleExpires     *time.Time `json:"idle_expires"`
	AbsoluteExpires *time.Time `json:"absolute_expires"`
}) {
	v.t.Helper()
	if err := json.Unmarshal([]byte(v.fetch("/.auth/session").Text), &said); err != nil {
		v.t.Fatal(err)
	}
	return said
}

// TestIdle_7_3_1: polling keeps nobody logged in, requests do, and what began with the session ends with it.
func TestIdle_7_3_1(t *testing.T) {
	forEachEngine(t, func(t *testing.T, e engine) {
		p, _ := limited(t, e.cheap(), "idle_timeout: 3s", "time_left_header: X-Session-Expires-In")
		polls, works := newVisitor(t, p.URL), newVisitor(t, p.URL)
		for _, v := range []*visitor{polls, works} {
			v.login("alice", userPassword)
		}
		said := polls.whoAmI()
		if said.SecondsLeft == nil || *said.SecondsLeft > 3 || said.IdleExpires == nil || said.AbsoluteExpires != nil {
			t.Errorf("/.auth/session says %+v, want at most 3 seconds left and an idle end", said)
		}
		ended := polls.listen("/poll")
		for end := time.Now().Add(4 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
			res, err := works.client.Do(works.request(http.MethodGet, "/", ""))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if left, err := strconv.Atoi(res.Header.Get("X-Session-Expires-In")); err != nil || left > 3 {
				t.Fatalf("%s: %q seconds left, want at most 3", res.Status, res.Header.Get("X-Session-Expires-In"))
			}
			polls.in()
			polls.whoAmI()
		}
		if polls.in() {
			t.Error("polling kept the session alive")
		}
		if !works.in() {
			t.Error("a session in use was ended")
		}
		waitEnd(t, "idle", ended)
		time.Sleep(3500 * time.Millisecond)
		if got := works.fetch("/.auth/verify").StatusCode; got != http.StatusUnauthorized {
			t.Errorf("forward-auth after 3 s without activity: %d, want 401", got)
		}
	})
}

// TestLifetime_J6: constant traffic does not keep a session alive, and the cookie never promises more.
func TestLifetime_J6(t *testing.T) {
	t.Parallel()
	p, _ := limited(t, engine{session: "db", hash: "md5"}, "max_lifetime: 4s")
	v := newVisitor(t, p.URL)
	began := time.Now()
	line := sessionLine(t, v.login("alice", userPassword).Response)
	if !strings.Contains(line, "Max-Age=4") {
		t.Errorf("cookie %q, want Max-Age=4", line)
	}
	loggedIn := time.Now()
	ended := v.listen("/")
	for time.Since(loggedIn) < 6*time.Second {
		asked := time.Now()
		if in := v.in(); in && asked.Sub(loggedIn) > 5*time.Second {
			t.Fatalf("let in %s after the login", asked.Sub(loggedIn))
		} else if !in && time.Since(began) < 4*time.Second {
			t.Fatalf("refused %s after the login", time.Since(began))
		}
		time.Sleep(100 * time.Millisecond)
	}
	waitEnd(t, "lifetime", ended)
}

// TestPerUser_7_1_2: the oldest session goes, and an ended session's next request says so.
func TestPerUser_7_1_2(t *testing.T) {
	forEachEngine(t, func(t *testing.T, e engine) {
		p, _ := limited(t, e.cheap(), "max_per_user: 2")
		var visitors []*visitor
		for range 3 {
			v := newVisitor(t, p.URL)
			v.login("alice", userPassword)
			visitors = append(visitors, v)
		}
		for i, want := range []bool{false, true, true} {
			if got := visitors[i].in(); got != want {
				t.Errorf("visitor %d of three: in %t, want %t", i+1, got, want)
			}
		}
	})
}

// TestMaxAuthAge_7_5_3: the login page comes again, and lets on.
func TestMaxAuthAge_7_5_3(t *testing.T) {
	t.Parallel()
	p, _ := limited(t, engine{session: "db", hash: "md5"})
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	time.Sleep(3100 * time.Millisecond)
	res := v.get("/young")
	if at := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at, "/.auth/login?") {
		t.Fatalf("an old login: %s to %q, want the login page", res.Status, at)
	}
	if page := v.get(res.Header.Get("Location")); !strings.Contains(page.Text, `name="password"`) {
		t.Errorf("the login page shows no form:\n%s", page.Text)
	}
	if !v.in() {
		t.Error("other routes are closed, too")
	}
	v.login("alice", userPassword)
	ended := v.listen("/young") // let in
	v.logout()
	waitEnd(t, "logout", ended)
}

// A fleet: idle at one process, active at the other.
func TestIdleInAFleet(t *testing.T) {
	t.Parallel()
	first, s := limited(t, engine{session: "db", hash: "md5", database: testenv.Postgres}, "idle_timeout: 3s")
	second := serve(t, serveOptions{Config: s.yaml()})
	v := newVisitor(t, first.URL)
	v.login("alice", userPassword)
	there := v.at(second.URL)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		res, err := there.client.Do(there.request(http.MethodGet, "/", ""))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	if !v.in() {
		t.Error("ended by the process that did not see it, though the other one did")
	}
	time.Sleep(3500 * time.Millisecond)
	if v.in() || there.in() {
		t.Error("alive after 3 s without activity at either")
	}
}

// A login at the Django is listed from its first visit on, with the user, and ended by the command at both sides.
func TestDjangosSessionIsListedAndEnded_7_4_3(t *testing.T) {
	forEachEngine(t, func(t *testing.T, e engine) {
		if e.cookie {
			t.Skip("a Django takes its signed cookies as long as they last")
		}
		h := newHouse(t, e.cheap(), testenv.DjangoOptions{}, "idle_timeout: 20s") // written every two seconds
		name := h.user(t)
		v := h.visitor(t)
		v.djangoLogin(name, userPassword)
		if got := v.app(); got != name {
			t.Fatalf("at the application: %q", got)
		}
		key := v.cookie("sessionid")
		var views []struct{ Session, Username, Device string }
		soon(t, "the session is listed with its device", func() bool {
			views = nil
			if err := json.Unmarshal([]byte(h.command(t, "", "session", "list", "--user", name, "--json")), &views); err != nil {
				t.Fatal(err)
			}
			return len(views) == 1
		})
		h.command(t, "", "session", "delete", "--user", name)
		soon(t, "the session is ended at both", func() bool {
			return visitorWith(t, h.proxy.URL, key).app() == "" && !visitorWith(t, h.site.URL, key).whoami().Authenticated
		})
	})
}

// What was seen is written when the process ends, and read when it starts again.
func TestLimitsOutlastARestart(t *testing.T) {
	t.Parallel()
	p, s := limited(t, engine{session: "db", hash: "md5"}, "preset: aal2")
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	before := v.whoAmI()
	p.stop()
	next := serve(t, serveOptions{Config: s.yaml()})
	after := v.at(next.URL).whoAmI()
	if after.AbsoluteExpires == nil || !after.AbsoluteExpires.Equal(*before.AbsoluteExpires) || after.IdleExpires == nil {
		t.Errorf("the login ends %v, before the restart %v", after.AbsoluteExpires, before.AbsoluteExpires)
	}
}
