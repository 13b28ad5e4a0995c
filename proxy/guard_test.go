package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/sessionstore"
)

const html = "text/html,application/xhtml+xml"

func TestDecide(t *testing.T) {
	inside, outside := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("192.0.2.1")
	alice, bob, root := usersOfTests["1"], usersOfTests["2"], usersOfTests["3"]
	nobody := auth.Principal{}
	lan := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name   string
		access Access
		who    auth.Principal
		from   netip.Addr
		want   Outcome
	}{
		{"zero rule", Access{}, root, inside, Refused},
		{"unknown mode", Access{Mode: 99}, root, inside, Refused},
		{"public", Access{Mode: ModePublic}, nobody, outside, Allowed},
		{"optional", Access{Mode: ModeOptional}, nobody, outside, Allowed},
		{"login, nobody", Access{Mode: ModeLogin}, nobody, outside, NeedLogin},
		{"login, somebody", Access{Mode: ModeLogin}, bob, outside, Allowed},
		{"users, named", Access{Mode: ModeLogin, Users: []string{"alice"}}, alice, outside, Allowed},
		{"users, another", Access{Mode: ModeLogin, Users: []string{"alice"}}, bob, outside, Forbidden},
		{"users, case counts", Access{Mode: ModeLogin, Users: []string{"Alice"}}, alice, outside, Forbidden},
		{"groups", Access{Mode: ModeLogin, Groups: []string{"ops", "dev"}}, alice, outside, Allowed},
		{"groups, none", Access{Mode: ModeLogin, Groups: []string{"admins"}}, alice, outside, Forbidden},
		{"staff", Access{Mode: ModeLogin, Staff: true}, root, outside, Allowed},
		{"staff, not", Access{Mode: ModeLogin, Staff: true}, alice, outside, Forbidden},
		{"superuser", Access{Mode: ModeLogin, Superuser: true}, root, outside, Allowed},
		{"superuser is not above a list", Access{Mode: ModeLogin, Users: []string{"alice"}}, root, outside, Forbidden},
		{"any of", Access{Mode: ModeLogin, Users: []string{"alice"}, Groups: []string{"ops"}}, bob, outside, Allowed},
		{"networks, inside", Access{Mode: ModePublic, Networks: lan}, nobody, inside, Allowed},
		{"networks, outside", Access{Mode: ModePublic, Networks: lan}, root, outside, Refused},
		{"networks, unknown address", Access{Mode: ModePublic, Networks: lan}, root, netip.Addr{}, Refused},
		{"networks do not replace login", Access{Mode: ModeLogin, Networks: lan}, nobody, inside, NeedLogin},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.access.Decide(c.who, c.from); got != c.want {
				t.Errorf("%+v.Decide(%s, %v) = %d, want %d", c.access, c.who.Username, c.from, got, c.want)
			}
		})
	}
}

func TestNeedLogin(t *testing.T) {
	g := newRig(t, settings{})
	t.Run("navigation", func(t *testing.T) {
		res := g.get("/a%20b?x=1&y", "Accept", html)
		want := "/.auth/login?next=" + url.QueryEscape("/a%20b?x=1&y")
		if res.StatusCode != 303 || res.Header.Get("Location") != want || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d Location %q, want 303 %q; %v", res.StatusCode, res.Header.Get("Location"), want, res.Header)
		}
		if res.Header.Get("Vary") != "Cookie" || len(res.Header["Set-Cookie"]) > 0 {
			t.Errorf("14.2.1: Vary %q, Set-Cookie %q", res.Header.Get("Vary"), res.Header["Set-Cookie"])
		}
	})
	t.Run("program", func(t *testing.T) {
		res := g.get("/api")
		if res.StatusCode != 401 || !strings.Contains(res.body, `"status":401`) || res.Header.Get("Www-Authenticate") != `Session login="/.auth/login"` {
			t.Errorf("%d %v %s", res.StatusCode, res.Header, res.body)
		}
	})
	if g.app.taken() != nil || g.store.seen() != "" {
		t.Error("F34: a request without cookie reached the upstream or the store")
	}
}

func TestLoginURLFollowsPublicURL(t *testing.T) {
	for _, c := range []struct{ public, host, want string }{
		{"https://app.example.com", "app.example.com", "https://app.example.com/.auth/login?next=%2F"},
		{"https://app.example.com", "127.0.0.1:8080", "https://app.example.com/.auth/login?next=%2F"},
		{"https://app.example.com", "other.example.com", "/.auth/login?next=%2F"},
	} {
		g := newRig(t, settings{public: c.public, routes: []Route{
			{Host: "other.example.com", Access: Access{Mode: ModeLogin}}, {Path: "/", Access: Access{Mode: ModeLogin}}}})
		if got := g.get("/", "Host", c.host, "Accept", html).Header.Get("Location"); got != c.want {
			t.Errorf("public %s, host %s: Location %q, want %q", c.public, c.host, got, c.want)
		}
	}
}

func TestLoggedIn(t *testing.T) {
	g := newRig(t, settings{})
	res := g.get("/page", "Cookie", "a=1; "+session(g.login("1"))+"; b=2", "Remote-User", "root", "Remote_User", "root")
	saw := g.app.taken()
	if res.StatusCode != 200 || saw == nil {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	if got := saw.Header["Remote-User"]; len(got) != 1 || got[0] != "alice" || len(saw.Header["Remote_user"]) > 0 {
		t.Errorf("4.1.3: upstream saw %q", saw.Header)
	}
	if got := saw.Header.Get("Cookie"); got != "a=1; b=2" {
		t.Errorf("upstream saw Cookie %q, want it without ours", got)
	}
	if res.Header.Get("Vary") != "Cookie" || res.Header.Get("Cache-Control") != "private" {
		t.Errorf("14.2.2, R11: Vary %q, Cache-Control %q", res.Header.Get("Vary"), res.Header.Get("Cache-Control"))
	}
	if len(res.Header["Set-Cookie"]) != 0 {
		t.Errorf("Set-Cookie %q for a session nobody changed", res.Header["Set-Cookie"])
	}
	if calls := g.store.seen(); calls != "load" {
		t.Errorf("F12: store calls %q, want one load and no write", calls)
	}
	g.log.waitFor(t, `"user_id":"1"`)
}

func TestUpstreamCacheControlStays_14_2_2(t *testing.T) {
	g := newRig(t, settings{})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Set("Vary", "Accept-Encoding, cookie")
	})
	res := g.get("/", "Cookie", session(g.login("1")))
	if got := res.Header["Vary"]; len(got) != 1 || res.Header.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("Vary %q, Cache-Control %q", got, res.Header.Get("Cache-Control"))
	}
}

func TestForbidden(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeLogin, Users: []string{"alice"}}}}})
	res := g.get("/", "Accept", html, "Cookie", session(g.login("2")))
	if res.StatusCode != 403 || !strings.Contains(res.body, "bob") || strings.Contains(res.body, "rule for") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	res = g.get("/", "Cookie", session(g.login("3")))
	if res.StatusCode != 403 || !strings.Contains(res.body, "rule for /") {
		t.Errorf("staff is told the rule: %d %s", res.StatusCode, res.body)
	}
	if g.app.taken() != nil {
		t.Error("a forbidden request reached the upstream")
	}
}

func TestPublicTouchesNoStore(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	g.store.down = errors.New("down")
	res := g.get("/", "Cookie", session(g.login1(t))+"; x=1", "Remote-User", "root")
	saw := g.app.taken()
	if res.StatusCode != 200 || g.store.seen() != "" || res.Header.Get("Vary") != "" || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("F01: %d %v", res.StatusCode, res.Header)
	}
	if saw == nil || saw.Header.Get("Remote-User") != "" || saw.Header.Get("Cookie") != "x=1" {
		t.Errorf("4.1.3: upstream saw %+v", saw)
	}
}

// login1 is a key that looks like one.
func (g *rig) login1(t *testing.T) string { t.Helper(); return sessionstore.NewKey() }

func TestOptional(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeOptional}}}})
	g.get("/", "Remote-User", "root")
	if saw := g.app.taken(); saw == nil || saw.Header.Get("Remote-User") != "" {
		t.Errorf("nobody: upstream saw %+v", saw)
	}
	g.get("/", "Cookie", session(g.login("1")))
	if saw := g.app.taken(); saw == nil || saw.Header.Get("Remote-User") != "alice" {
		t.Errorf("alice: upstream saw %+v", saw)
	}
}

func TestStoreDown_F01_16_5(t *testing.T) {
	g := newRig(t, settings{})
	key := g.login("1")
	for name, set := range map[string]func(error){
		"session store": func(err error) { g.store.down = err }, "user directory": func(err error) { g.users.fault = err },
	} {
		t.Run(name, func(t *testing.T) {
			set(errors.New("dial tcp: connection refused\x1b[31m"))
			res := g.get("/", "Accept", html, "Cookie", session(key))
			if res.StatusCode != 503 || res.Header.Get("Retry-After") != "5" || len(res.Header["Set-Cookie"]) > 0 {
				t.Errorf("%d Retry-After %q Set-Cookie %q", res.StatusCode, res.Header.Get("Retry-After"), res.Header["Set-Cookie"])
			}
			if strings.Contains(res.body, "refused") || strings.Contains(g.log.String(), key) {
				t.Errorf("16.2.5: the page shows the error or the log shows the key:\n%s\n%s", res.body, g.log)
			}
			set(nil)
			if res := g.get("/", "Cookie", session(key)); res.StatusCode != 200 {
				t.Errorf("back again: %d", res.StatusCode)
			}
		})
	}
}

func TestCookieCleared(t *testing.T) {
	const cleared = `sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`
	g := newRig(t, settings{})
	ended := g.login("1")
	if err := g.store.Delete(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, cookie, want string }{
		{"no cookie", "other=1", ""},
		{"ended session", session(ended), cleared},
		{"never existed", session(strings.Repeat("a", 32)), cleared},
		{"short", session("abc"), cleared},
		{"empty", session(""), cleared},
		{"hostile", session("../../etc/passwd"), cleared},
		{"dead and live", session(ended) + "; " + session(g.login("1")), ""},
		{"live and dead", session(g.login("1")) + "; " + session(ended), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := g.get("/", "Cookie", c.cookie)
			if got := res.Header.Get("Set-Cookie"); got != c.want || res.Header.Get("Vary") != "Cookie" {
				t.Errorf("Set-Cookie %q, want %q; Vary %q", got, c.want, res.Header.Get("Vary"))
			}
		})
	}
	if strings.Contains(g.log.String(), ended) {
		t.Error("the log holds a session key")
	}
}

func TestRefusedRecordKeepsCookie_F26(t *testing.T) {
	g := newRig(t, settings{})
	key := g.login("1")
	g.store.refuse = true
	res := g.get("/", "Cookie", session(key))
	if res.StatusCode != 401 || len(res.Header["Set-Cookie"]) > 0 {
		t.Errorf("%d Set-Cookie %q, want 401 and the cookie kept", res.StatusCode, res.Header["Set-Cookie"])
	}
	g.log.waitFor(t, `"event":"session_refused"`)
	g.log.waitFor(t, sessionstore.KeyHash(key))
}

func TestSeveralSessions_R9(t *testing.T) {
	g := newRig(t, settings{})
	alice, bob := g.login("1"), g.login("2")
	for _, c := range []struct {
		name, cookie string
		status       int
	}{
		{"one", session(alice), 200},
		{"the same twice", session(alice) + "; " + session(alice), 200},
		{"two live ones are none", session(alice) + "; " + session(bob), 401},
		{"one live of three", session("00000000") + "; " + session(alice) + "; " + session("11111111"), 200},
		{"beyond three is not looked at", session(alice) + "; " + session("00000000") + "; " + session("11111111") + "; " + session("22222222"), 401},
	} {
		t.Run("R9 "+c.name, func(t *testing.T) {
			res := g.get("/", "Cookie", c.cookie)
			if loads := strings.Count(g.store.seen(), "load"); res.StatusCode != c.status || loads > 3 {
				t.Errorf("%d after %d loads, want %d", res.StatusCode, loads, c.status)
			}
		})
	}
}

func TestFlushedSession(t *testing.T) {
	g := newRig(t, settings{})
	g.users.flush = true
	key := g.login("1")
	res := g.get("/", "Cookie", session(key))
	if res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("Set-Cookie"), `sessionid=""`) {
		t.Errorf("%d Set-Cookie %q, want 401 and the cookie cleared", res.StatusCode, res.Header.Get("Set-Cookie"))
	}
}

func TestSaveEveryRequest(t *testing.T) {
	g := newRig(t, settings{session: sessionstore.Settings{SaveEveryRequest: true}, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}}, {Path: "/poll", Access: Access{Mode: ModeLogin}, NoTouch: true}}})
	key := g.login("1")
	res := g.get("/", "Cookie", session(key))
	if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "sessionid="+key+"; expires=") || !strings.HasSuffix(got, "; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax") {
		t.Errorf("Set-Cookie %q", got)
	}
	if calls := g.store.seen(); calls != "load change" {
		t.Errorf("store calls %q, want load change", calls)
	}
	if res := g.get("/poll", "Cookie", session(key)); res.StatusCode != 200 || len(res.Header["Set-Cookie"]) > 0 || g.store.seen() != "load" {
		t.Errorf("touch: false saved: %v", res.Header)
	}
	if res := g.get("/"); res.StatusCode != 401 || len(res.Header["Set-Cookie"]) > 0 || g.store.seen() != "" {
		t.Errorf("F34: nobody got a session: %v", res.Header)
	}
}

func TestNoResurrection_F10(t *testing.T) {
	g := newRig(t, settings{session: sessionstore.Settings{SaveEveryRequest: true}})
	key := g.login("1")
	g.store.onSave = func() { _ = g.store.Delete(context.Background(), key) } // a logout in between
	res := g.get("/", "Cookie", session(key))
	if res.StatusCode != 401 || !strings.HasPrefix(res.Header.Get("Set-Cookie"), `sessionid=""`) || g.app.taken() != nil {
		t.Errorf("%d Set-Cookie %q: a session that was ended meanwhile passed", res.StatusCode, res.Header.Get("Set-Cookie"))
	}
	if _, err := g.store.Load(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
		t.Errorf("load after: %v, want not found", err)
	}
}

func TestAnonymousSession(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeOptional}, AnonymousSession: true}}})
	res := g.get("/")
	line := res.Header.Get("Set-Cookie")
	if res.StatusCode != 200 || !strings.HasPrefix(line, "sessionid=") || g.store.seen() != "create" {
		t.Fatalf("%d Set-Cookie %q", res.StatusCode, line)
	}
	pair, _, _ := strings.Cut(line, ";")
	if res := g.get("/", "Cookie", pair); len(res.Header["Set-Cookie"]) > 0 || g.store.seen() != "load" {
		t.Errorf("second request: Set-Cookie %q", res.Header["Set-Cookie"])
	}
}

func TestShareSession_R9(t *testing.T) {
	g := newRig(t, settings{routes: []Route{
		{Path: "/", Access: Access{Mode: ModeOptional}, ShareSession: true},
		{Path: "/own", Access: Access{Mode: ModeLogin}},
		{Path: "/static", Access: Access{Mode: ModePublic}, ShareSession: true},
	}})
	key, dead := g.login("1"), strings.Repeat("d", 32)
	setBoth := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Saw", r.Header.Get("Cookie"))
		w.Header().Add("Set-Cookie", "csrftoken=1")
		w.Header().Add("Set-Cookie", "sessionid=fromupstream0; Path=/")
		if r.URL.Query().Has("early") {
			w.WriteHeader(http.StatusEarlyHints)
		}
	}
	g.app.serve(setBoth)
	for _, c := range []struct {
		name, path, cookie, saw string
		set                     []string
	}{
		{"shared, live", "/", "x=1; " + session(dead) + "; " + session(key), "x=1; " + session(key), []string{"csrftoken=1", "sessionid=fromupstream0; Path=/"}},
		{"shared, dead: the upstream has the last word", "/", session(dead), "", []string{"csrftoken=1", "sessionid=fromupstream0; Path=/"}},
		{"not shared", "/own", "x=1; " + session(key), "x=1", []string{"csrftoken=1"}},
		{"not shared, interim answer", "/own?early", "x=1; " + session(key), "x=1", []string{"csrftoken=1"}},
		{"shared and public, one", "/static", session(key), session(key), []string{"csrftoken=1", "sessionid=fromupstream0; Path=/"}},
		{"shared and public, two: neither was checked", "/static", session(key) + "; " + session(dead), "", []string{"csrftoken=1", "sessionid=fromupstream0; Path=/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.addr+c.path, nil)
			req.Header.Set("Cookie", c.cookie)
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := res.Header.Get("Saw"); got != c.saw {
				t.Errorf("upstream saw Cookie %q, want %q", got, c.saw)
			}
			if got := res.Header["Set-Cookie"]; strings.Join(got, "|") != strings.Join(c.set, "|") {
				t.Errorf("Set-Cookie %q, want %q", got, c.set)
			}
		})
	}
}

func TestIdentityThatCannotBeSent(t *testing.T) {
	g := newRig(t, settings{})
	res := g.get("/", "Cookie", session(g.login("4")))
	if res.StatusCode != 500 || g.app.taken() != nil {
		t.Errorf("%d; a user name with a line break reached the upstream", res.StatusCode)
	}
}

func TestNetworksBeforeStores(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeLogin, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}}}})
	if res := g.get("/", "Cookie", session(g.login("1"))); res.StatusCode != 403 || g.store.seen() != "" {
		t.Errorf("%d, want 403 without a store call", res.StatusCode)
	}
}
