package proxy

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// askingRig is a rig whose tests speak for a proxy that asks for verdicts.
func askingRig(t *testing.T, public string) *rig {
	return newRig(t, settings{trusted: []string{"127.0.0.0/8"}, public: public, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/ops", Access: Access{Mode: ModeLogin, Groups: []string{"ops"}}},
		{Path: "/open", Access: Access{Mode: ModePublic}},
		{Path: "/maybe", Access: Access{Mode: ModeOptional}},
		{Path: "/closed"},
		{Path: "/api", Access: Access{Mode: ModeLogin}, NoUpstream: true},
		{Host: "other.example.com", Path: "/", Access: Access{Mode: ModeLogin, Users: []string{"bob"}}},
	}})
}

// nginx are the headers of an auth_request for a URI, as deploy/guides/nginx.md sets them.
func nginxAsks(method, uri string, more ...string) []string {
	return append([]string{"X-Original-URI", uri, "X-Original-Method", method, "X-Forwarded-Host", "app.example.com", "X-Forwarded-Proto", "https",
		"X-Forwarded-For", "192.0.2.7"}, more...)
}

func TestVerify_8_2_1(t *testing.T) {
	g := askingRig(t, "")
	alice, bob := session(g.login("1")), session(g.login("2"))
	for _, c := range []struct {
		name, uri, cookie string
		status            int
		user              string
	}{
		{"nobody", "/x", "", 401, ""},
		{"logged in", "/x?a=b", alice, 200, "alice"},
		{"dead session", "/x", "sessionid=" + strings.Repeat("a", 32), 401, ""},
		{"wrong group", "/ops/x", alice, 403, ""},
		{"right group", "/ops/x", bob, 200, "bob"},
		{"public", "/open/x", "", 200, ""},
		{"public: the session is not looked at", "/open/x", alice, 200, ""},
		{"optional, nobody", "/maybe", "", 200, ""},
		{"optional", "/maybe", alice, 200, "alice"},
		{"denied", "/closed/x", bob, 403, ""},
		{"rule without upstream", "/api/x", bob, 200, "bob"},
		{"our own pages", "/.auth/login?next=/", "", 200, ""},
		{"1.1.1 dots", "/open/../ops", alice, 403, ""},
		{"1.1.1 dots, nobody", "/open/../x", "", 401, ""},
		{"1.1.1 encoded dots", "/open/%2e%2e/ops", alice, 403, ""},
		{"1.1.1 encoded slash", "/open%2f..%2fops", alice, 403, ""},
		{"1.1.1 parameters", "/open/..;/ops", alice, 403, ""},
		{"1.1.1 doubled slash", "//ops", alice, 403, ""},
		{"1.1.1 own pages by dots", "/.auth/../ops", alice, 403, ""},
		{"1.1.1 control byte", "/x%00", bob, 403, ""},
		{"1.1.1 fragment", "/open#/ops", bob, 403, ""},
		{"1.1.1 bad escape", "/%zz", bob, 403, ""},
		{"1.1.1 absolute", "http://app.example.com/open", bob, 403, ""},
		{"1.1.1 no slash", "open", bob, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := g.get("/.auth/verify", nginxAsks("GET", c.uri, "Cookie", c.cookie)...)
			if a.StatusCode != c.status || a.Header.Get("Remote-User") != c.user {
				t.Errorf("%s with %q: %d for %q, want %d for %q", c.uri, c.cookie, a.StatusCode, a.Header.Get("Remote-User"), c.status, c.user)
			}
			if got := a.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
	if n := g.app.requests(); n != 0 {
		t.Errorf("%d verdicts went to the upstream", n)
	}
}

// Recorded requests of each proxy, by a browser that goes to a page and by a program.
func TestVerifyDialects(t *testing.T) {
	const login = "https://app.example.com/.auth/login?next=%2Fops%2Fx%3Fa%3Db"
	browser := []string{"Accept", "text/html,application/xhtml+xml", "Sec-Fetch-Mode", "navigate"}
	traefik := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Host", "app.example.com", "X-Forwarded-Method", "POST", "X-Forwarded-Port", "443",
		"X-Forwarded-Proto", "https", "X-Forwarded-Server", "edge", "X-Forwarded-Uri", "/ops/x?a=b", "X-Real-Ip", "192.0.2.7", "Host", "coatcheck:8080"}
	caddy := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Host", "app.example.com", "X-Forwarded-Method", "POST", "X-Forwarded-Proto", "https",
		"X-Forwarded-Uri", "/ops/x?a=b"}
	ingress := []string{"X-Original-Url", "https://app.example.com/ops/x?a=b", "X-Original-Method", "POST", "X-Real-Ip", "192.0.2.7",
		"X-Forwarded-For", "192.0.2.7", "X-Sent-From", "nginx-ingress-controller", "Host", "coatcheck.default.svc:8080"}
	envoy := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https", "X-Envoy-Internal", "true", "Content-Length", "0"}
	g := askingRig(t, "")
	alice, bob := session(g.login("1")), session(g.login("2"))
	for _, c := range []struct {
		name, method, path string
		header             []string
	}{
		{"nginx", "GET", "/.auth/verify", nginxAsks("POST", "/ops/x?a=b")},
		{"ingress-nginx", "GET", "/.auth/verify", ingress},
		{"Traefik", "GET", "/.auth/verify", traefik},
		{"Caddy", "GET", "/.auth/verify", caddy},
		{"Envoy", "POST", "/.auth/verify/ops/x?a=b", envoy},
	} {
		ask := func(header ...string) answerOf { return g.do(c.method, c.path, "", append(header, c.header...)...) }
		t.Run(c.name, func(t *testing.T) {
			a := ask(browser...)
			if a.StatusCode != 401 || a.Header.Get("X-Login-Url") != login || a.Header.Get("Refresh") != "0; url="+login || a.Header.Get("Location") != "" ||
				!strings.Contains(a.body, `href="`+login+`"`) {
				t.Errorf("browser: %d %v %s, want 401 and the way to %q", a.StatusCode, a.Header, a.body, login)
			}
			a = ask("Accept", "*/*")
			if a.StatusCode != 401 || a.Header.Get("Refresh") != "" || !strings.HasPrefix(a.Header.Get("Www-Authenticate"), "Session ") {
				t.Errorf("program: %d %v", a.StatusCode, a.Header)
			}
			if a := ask("Cookie", alice); a.StatusCode != 403 || !strings.Contains(a.body, "alice") {
				t.Errorf("wrong group: %d %s", a.StatusCode, a.body)
			}
			if a := ask("Cookie", bob); a.StatusCode != 200 || a.Header.Get("Remote-User") != "bob" || a.Header.Get("Remote-Groups") != "ops" || a.body != "" {
				t.Errorf("right group: %d %v", a.StatusCode, a.Header)
			}
		})
	}
	g.log.waitFor(t, `"client":"192.0.2.7"`)
	g.log.waitFor(t, `"original":"POST /ops/x?a=b"`)
}

// A proxy of one dialect passes on what a client sends in another.
func TestVerifyToldTwice_4_1_3(t *testing.T) {
	g := askingRig(t, "")
	alice := session(g.login("1"))
	for _, c := range []struct {
		name, path string
		header     []string
		status     int
	}{
		{"Traefik, client speaks nginx", "/.auth/verify", []string{"X-Forwarded-Uri", "/ops", "X-Original-URI", "/open"}, 403},
		{"nginx, client speaks Traefik", "/.auth/verify", []string{"X-Original-URI", "/ops", "X-Forwarded-Uri", "/open"}, 403},
		{"Envoy, client speaks nginx", "/.auth/verify/ops", []string{"X-Original-URI", "/open"}, 403},
		{"nginx, client appends a line", "/.auth/verify", []string{"X-Original-URI", "/ops", "X-Original-URI", "/open"}, 403},
		{"ingress-nginx, client names a host", "/.auth/verify", []string{"X-Original-URL", "https://other.example.com/", "X-Forwarded-Host", "app.example.com"}, 403},
		{"ingress-nginx, rule of its host", "/.auth/verify", []string{"X-Original-URL", "https://other.example.com/"}, 403},
		{"methods differ", "/.auth/verify", []string{"X-Original-URI", "/x", "X-Original-Method", "GET", "X-Forwarded-Method", "POST"}, 403},
		{"both say the same", "/.auth/verify", []string{"X-Original-URI", "/x", "X-Forwarded-Uri", "/x"}, 200},
		{"an empty header says nothing", "/.auth/verify", []string{"X-Original-URI", "/x", "X-Forwarded-Uri", ""}, 200},
		{"4.1.4 TRACE", "/.auth/verify", []string{"X-Original-URI", "/x", "X-Original-Method", "TRACE"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := g.get(c.path, append(c.header, "Cookie", alice)...); a.StatusCode != c.status {
				t.Errorf("%s %q: %d, want %d", c.path, c.header, a.StatusCode, c.status)
			}
		})
	}
}

// What an untrusted peer says of the original request is not believed; then every rule has to be satisfied.
func TestVerifyUntrusted_4_1_3(t *testing.T) {
	all := []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/open", Access: Access{Mode: ModePublic}},
		{Host: "other.example.com", Path: "/", Access: Access{Mode: ModeLogin, Groups: []string{"ops"}}},
	}
	for _, c := range []struct {
		name, id string
		routes   []Route
		trusted  []string
		status   int
	}{
		{"nobody", "", all, nil, 401},
		{"satisfies some rules", "1", all, nil, 403},
		{"satisfies every rule", "2", all, nil, 200},
		{"one rule", "1", all[:1], nil, 200},
		{"no rule", "1", []Route{}, nil, 403},
		{"trusted, but nothing is told", "1", all, []string{"127.0.0.1/32"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, settings{routes: append([]Route{}, c.routes...), trusted: c.trusted})
			header := []string{"X-Original-URI", "/open", "X-Forwarded-Uri", "/open", "X-Original-Method", "GET"}
			if c.trusted != nil {
				header = nil
			}
			if c.id != "" {
				header = append(header, "Cookie", session(g.login(c.id)))
			}
			if a := g.get("/.auth/verify", header...); a.StatusCode != c.status {
				t.Errorf("%d, want %d", a.StatusCode, c.status)
			}
		})
	}
}

// 200, 401, 403 and nothing else, but 503 for a fault: nginx makes 500 of the rest.
func TestVerifyStatuses(t *testing.T) {
	g := askingRig(t, "")
	cookie := session(g.login("1"))
	for _, c := range []struct{ name, request string }{
		{"4.1.4 TRACE", "TRACE /.auth/verify HTTP/1.1\r\n" + hostLine},
		{"4.1.4 CONNECT", "CONNECT /.auth/verify HTTP/1.1\r\n" + hostLine},
		{"4.1.4 method of 33 bytes", strings.Repeat("M", 33) + " /.auth/verify HTTP/1.1\r\n" + hostLine},
		{"R2 Host with comma", "GET /.auth/verify HTTP/1.1\r\nHost: a,b\r\n"},
		{"R2 forwarded host", "GET /.auth/verify HTTP/1.1\r\n" + hostLine + "X-Forwarded-Host: a b\r\n"},
		{"R3 length and chunks", "POST /.auth/verify HTTP/1.1\r\n" + hostLine + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"limits: target", "GET /.auth/verify/" + strings.Repeat("a", 16<<10) + " HTTP/1.1\r\n" + hostLine},
		{"limits: 201 fields", "GET /.auth/verify HTTP/1.1\r\n" + hostLine + strings.Repeat("X-A: b\r\n", 201)},
		{"1.1.1 fragment", "GET /.auth/verify/a#b HTTP/1.1\r\n" + hostLine},
		{"1.1.1 dots", "GET /.auth/verify/../../.. HTTP/1.1\r\n" + hostLine + "Cookie: sessionid=zzz\r\nX-Forwarded-Uri: /x\r\n"},
		{"R7 a body that never comes", "POST /.auth/verify/ops HTTP/1.1\r\n" + hostLine + "Cookie: " + cookie + "\r\nContent-Length: 5\r\nExpect: 100-continue\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := c.request
			if !strings.Contains(request, "\r\n\r\n") {
				request += "\r\n"
			}
			request = strings.Replace(request, "\r\n", "\r\nConnection: close\r\n", 1)
			if text := g.raw(request); statusOf(text) != 403 || answersIn(text) != 1 {
				t.Errorf("%.80q: %.200q, want 403", c.request, text)
			}
		})
	}
	eve := session(g.login("4"))
	if a := g.get("/.auth/verify/x", "Cookie", eve); a.StatusCode != 403 || a.Header.Get("Remote-User") != "" {
		t.Errorf("a name that cannot be sent: %d %v, want 403", a.StatusCode, a.Header)
	}
	g.store.down = errors.New("connection refused")
	a := g.get("/.auth/verify/x", "Cookie", cookie)
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("F01 store down: %d %v", a.StatusCode, a.Header)
	}
	if a := g.get("/.auth/verify/open", "Cookie", cookie); a.StatusCode != 200 {
		t.Errorf("F01 public while the store is down: %d", a.StatusCode)
	}
}

// Names without a value are in the answer, so that proxies that lay it over the client's headers overwrite those.
func TestVerifyOverwrites_4_1_3(t *testing.T) {
	g := askingRig(t, "")
	for _, uri := range []string{"/open", "/maybe"} {
		a := g.get("/.auth/verify", nginxAsks("GET", uri, "Remote-User", "root")...)
		for _, name := range []string{"Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name"} {
			if got, there := a.Header[name]; !there || got[0] != "" {
				t.Errorf("%s: %s is %q, want it there and empty", uri, name, got)
			}
		}
	}
}

func TestVerifyLoginElsewhere(t *testing.T) {
	g := askingRig(t, "https://login.example.com")
	for host, want := range map[string]string{
		"app.example.com":   "https://login.example.com/.auth/login?next=%2Fx",
		"other.example.com": "https://other.example.com/.auth/login?next=%2Fx", // of a route: its cookie is its own
	} {
		a := g.get("/.auth/verify", "X-Forwarded-Uri", "/x", "X-Forwarded-Host", host, "Accept", "text/html")
		if a.StatusCode != 401 || a.Header.Get("X-Login-Url") != want {
			t.Errorf("%s: %d to %q, want %q", host, a.StatusCode, a.Header.Get("X-Login-Url"), want)
		}
	}
}

func TestVerifyNeedsMethod(t *testing.T) {
	g := newRig(t, settings{trusted: []string{"127.0.0.0/8"}, routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}}, {Path: "/", Methods: []string{"GET"}, Access: Access{Mode: ModePublic}},
	}})
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"not told", nil, 403}, {"GET", []string{"X-Original-Method", "GET"}, 200}, {"POST", []string{"X-Forwarded-Method", "POST"}, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := g.get("/.auth/verify", append(c.header, "X-Original-URI", "/x")...); a.StatusCode != c.status {
				t.Errorf("%d, want %d", a.StatusCode, c.status)
			}
		})
	}
}

// What has to be written to the session is, and the cookie goes with the verdict.
func TestVerifyWritesSession(t *testing.T) {
	s := settings{trusted: []string{"127.0.0.0/8"}}
	s.session.SaveEveryRequest = true
	g := newRig(t, s)
	a := g.get("/.auth/verify", nginxAsks("GET", "/x", "Cookie", session(g.login("1")))...)
	if a.StatusCode != 200 || !strings.Contains(a.Header.Get("Set-Cookie"), "sessionid=") || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if got := g.store.seen(); got != "load change" {
		t.Errorf("store calls %q", got)
	}
}

// Scripts that log in with each request, throttled ones among them.
func TestVerifyBasic(t *testing.T) {
	g := newRig(t, settings{trusted: []string{"127.0.0.0/8"}, logins: scripts{}, routes: []Route{{Path: "/", Basic: true, Access: Access{Mode: ModeLogin}}}})
	for _, c := range []struct {
		name, pair string
		status     int
		user       string
	}{
		{"right", "alice:pä:ss", 200, "alice"}, {"wrong", "alice:x", 401, ""}, {"throttled", "slow:x", 401, ""}, {"busy", "busy:x", 503, ""}, {"fault", "down:x", 503, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if nav := g.get("/.auth/verify", "X-Original-URI", "/api", "Accept", "text/html"); nav.StatusCode != 401 || strings.Contains(nav.Header.Get("Www-Authenticate"), "Basic") {
				t.Errorf("navigation: %d %v, want 401 and no password box", nav.StatusCode, nav.Header)
			}
			a := g.get("/.auth/verify", "X-Original-URI", "/api", "X-Original-Method", "GET", "Authorization", basic(c.pair))
			if a.StatusCode != c.status || a.Header.Get("Remote-User") != c.user || a.Header.Get("Authorization") != "" {
				t.Errorf("%d %v, want %d for %q", a.StatusCode, a.Header, c.status, c.user)
			}
			if again := a.Header.Get("Retry-After"); (again != "") != (c.status == 503 || c.name == "throttled") {
				t.Errorf("Retry-After %q", again)
			}
		})
	}
}

func TestNoUpstreamIsNotFound(t *testing.T) {
	g := askingRig(t, "")
	if a := g.get("/api/x", "Cookie", session(g.login("1"))); a.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}
