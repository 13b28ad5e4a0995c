package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"coatcheck/proxy/upstream"
)

// A public area, a part of it that needs a login, and nothing else: whatever spelling an upstream may take for the
// protected part must not pass.
func TestStrictestReading_1_1_1_8_2_1(t *testing.T) {
	g := newRig(t, settings{routes: []Route{
		{Path: "/public", Access: Access{Mode: ModePublic}},
		{Path: "/public/private", Access: Access{Mode: ModeLogin}},
		{Path: "/admin", Access: Access{Mode: ModeLogin, Users: []string{"root"}}},
	}})
	for _, c := range []struct {
		path   string
		status int
	}{
		{"/public", 200}, {"/public/", 200}, {"/public/a%20b", 200}, {"/public/caf%C3%A9", 200}, {"/public/caf%E9", 200}, {"/public/./x", 200}, {"/public/x/../y", 200},
		{"/%70ublic/x", 200}, {"/public/a%2Fb", 200}, {"/public//x;v=1/y.", 200}, {"/public/x?../admin", 200}, {"/public/%", 400}, {"/public/%zz", 400},
		{"/public/private", 401}, {"/public/privat%65", 401}, {"/public/%2570rivate", 401}, {"/public//private", 401}, {"/public/./private", 401},
		{"/public/private;x=1", 401}, {"/public/x/../private", 401}, {"/public/x%2f..%2fprivate", 401}, {"/public%2fprivate", 404},
		{`/public/x\..\private`, 401}, {"/public/private.", 401}, {"/public/private%20", 401}, {"/public/private%23", 401}, {"/public/private%3fx", 401},
		{"/public/x/..;/private", 401}, {"/public/%ef%bd%90rivate", 401}, {"/public/x/%252e%252e/private", 401},
		{"/public/../admin", 401}, {"/public/..%2fadmin", 401}, {"/public/..;/admin", 401}, {"/public/%2e%2e/admin", 401}, {"/public/%252e%252e%252fadmin", 401},
		{`/public/..\admin`, 401}, {"/public/..%5cadmin", 401}, {"/public/..%c0%afadmin", 400}, {"/public/%c0%ae%c0%ae/admin", 400},
		{"/public/%00", 400}, {"/public/x%0d%0aX:y", 400}, {"/public/%2500", 400}, {"/public/%7f", 400},
		{"/public/../nowhere", 404}, {"/", 404}, {"/publicx", 404}, {"/PUBLIC", 404}, {"//public", 404},
		{"/public/a;b%5c.%20/%2f//c%253f.%E2%80%A4%252523/..;/d%25255c..", 400},
	} {
		t.Run(c.path, func(t *testing.T) {
			res := g.get(c.path)
			saw := g.app.taken()
			if res.StatusCode != c.status || (saw != nil) != (c.status == 200) {
				t.Errorf("GET %s: %d, want %d; upstream saw %+v", c.path, res.StatusCode, c.status, saw)
			}
			if saw != nil && saw.URI != c.path {
				t.Errorf("GET %s: the upstream was asked for %q", c.path, saw.URI)
			}
		})
	}
	g.get("/public/x/../private", "Cookie", session(g.login("1")))
	if saw := g.app.taken(); saw == nil || saw.URI != "/public/x/../private" {
		t.Errorf("logged in: upstream saw %+v, want the path as it was sent", saw)
	}
}

func TestPathByteForByte_1_1_1(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	for _, uri := range []string{
		"/", "/?", "/?a=1;b=%zz&c", "//x//y", "//evil.example/x", "/a%2fb%2Fc", "/%7Euser/~user", "/caf\xe9", "/caf%C3%A9/caf%c3%a9", "/a|b^c{d}", "/a:b@c",
		`/"quoted"<x>`, "/a[1]", "/%41", "/a/./b/../c", "/a;x=1/b;y", "/a+b%2Bc", "/x?q=a|b&r=\xff", "/*", "/http://x/", "/a%25", "///",
	} {
		res := g.get(uri)
		if saw := g.app.taken(); saw == nil || saw.URI != uri || saw.Host != "app.example.com" {
			t.Errorf("GET %q: %d, upstream saw %+v", uri, res.StatusCode, saw)
		}
	}
	for _, uri := range []string{"//a|b", "//caf\xe9"} { // net/url would escape what two slashes begin
		if res := g.get(uri); res.StatusCode != 400 || g.app.taken() != nil {
			t.Errorf("GET %q: %d, want 400 rather than another path", uri, res.StatusCode)
		}
	}
}

func TestStripPrefix(t *testing.T) {
	g := newRig(t, settings{routes: []Route{
		{Path: "/", Access: Access{Mode: ModePublic}}, {Path: "/app", Access: Access{Mode: ModePublic}, StripPrefix: true},
		{Path: "/app/admin", Access: Access{Mode: ModeLogin}, StripPrefix: false},
	}})
	for path, want := range map[string]string{
		"/app": "/", "/app?q": "/?q", "/app/x%2Fy": "/x%2Fy", "/a%70p/x": "/x", "/apple": "/apple", "/app//x": "//x",
		// Relative to the stripped path, these would be others than the ones judged.
		"/app/../admin": "", "/app/x/../y": "", "/app/..;/x": "", "/app/%2e%2e%2fx": "",
	} {
		res := g.get(path)
		saw := g.app.taken()
		if want == "" && (res.StatusCode != 400 || saw != nil) || want != "" && (saw == nil || saw.URI != want) {
			t.Errorf("GET %s: %d, upstream saw %+v, want %q", path, res.StatusCode, saw, want)
		}
	}
}

func TestPortalIsApart_8_2_1(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	for path, want := range map[string]int{
		"/.auth/login": 200, "/.auth": 200, "/.auth/": 200, "/.auth/login?next=/": 200, "/%2eauth/login": 200, "/.auth//login": 200, "/.auth/./login": 200,
		"/.authx": 404, "/.AUTH/login": 404, // to the upstream, see below
		"/x/../.auth/login": 400, "/.auth/../x": 400, "/.auth/..;/x": 400, "/.auth%2flogin": 400, "/.auth%252flogin": 400, `/.auth\login`: 400, "//.auth/login": 400, "/.auth;x/login": 400,
		"/.auth%20/login": 400, "/.auth./login": 400, "/%E2%80%A4auth/login": 400,
	} {
		res := g.get(path)
		saw := g.app.taken()
		switch portal := strings.HasPrefix(res.body, "portal "); {
		case want == 200 && (!portal || saw != nil), want == 400 && (res.StatusCode != 400 || portal || saw != nil), want == 404 && (portal || saw == nil):
			t.Errorf("GET %s: %d %q, upstream saw %+v", path, res.StatusCode, res.body, saw)
		}
	}
	folded := newRig(t, settings{fold: true, routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}, {Path: "/Admin", Access: Access{Mode: ModeLogin}}}})
	if res := folded.get("/.AUTH/login"); !strings.HasPrefix(res.body, "portal ") {
		t.Errorf("fold_paths: /.AUTH/login went to the upstream: %d", res.StatusCode)
	}
	for _, path := range []string{"/admin", "/ADMIN/x", "/%41dmin", "/adm%C4%B1n/../admin"} {
		if res := folded.get(path); res.StatusCode != 401 {
			t.Errorf("fold_paths: %s: %d, want 401", path, res.StatusCode)
		}
	}
	if res := folded.get("/Other/Page"); folded.app.taken().URI != "/Other/Page" {
		t.Errorf("fold_paths changed what is forwarded: %d", res.StatusCode)
	}
}

func TestPortalGetsFacts(t *testing.T) {
	g := newRig(t, settings{trusted: []string{"127.0.0.0/8"}})
	res := g.get("/.auth/login", "X-Forwarded-For", "192.0.2.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example.com")
	if want := "portal /.auth/login client=192.0.2.9 secure=true host=shop.example.com id=26"; res.body != want {
		t.Errorf("%q, want %q", res.body, want)
	}
}

func TestMethods(t *testing.T) {
	g := newRig(t, settings{routes: []Route{
		{Path: "/api", Methods: []string{"GET", "POST"}, Access: Access{Mode: ModePublic}},
	}})
	if res := g.do("DELETE", "/api/x", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, POST" {
		t.Errorf("%d Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
	if res := g.do(http.MethodHead, "/api/x", ""); res.StatusCode != 200 {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
}

// FuzzVerdict: no reading of a path that is let through leads to a route that would refuse it.
func FuzzVerdict(f *testing.F) {
	h := &Handler{prefix: "/.auth", hosts: map[string]bool{}, table: tableOf(f, false,
		Route{Path: "/", Access: Access{Mode: ModePublic}, Upstream: fixed("http://h")}, Route{Path: "/admin"}, Route{Path: "/strip", StripPrefix: true, Access: Access{Mode: ModePublic}, Upstream: fixed("http://h")})}
	for _, seed := range []string{"/", "/admin", "/x/../admin", "/%61dmin", "/strip/../admin", "/.auth/../admin", `/a\..\admin`, "/x;/..;/admin"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := url.ParseRequestURI(raw)
		if err != nil || !strings.HasPrefix(raw, "/") || len(raw) > 2048 || badTarget(raw) {
			return
		}
		var allow []string
		c, err := h.choose("h", &http.Request{Method: "GET", RequestURI: raw, URL: target}, &allow)
		if err != nil || c.portal || !c.public() {
			return
		}
		all, err := readings(nil, rawPath(&http.Request{RequestURI: raw}), false)
		for _, reading := range all {
			if reading == "/admin" || strings.HasPrefix(reading, "/admin/") || h.isPortal(reading) || err != nil {
				t.Fatalf("%q passes as public and can be read as %q", raw, reading)
			}
		}
		out := outURL(c.route.Upstream.Target(), c.path, target)
		if sent, _, _ := strings.Cut(out.RequestURI(), "?"); sent != c.path || !strings.HasPrefix(sent, "/") {
			t.Fatalf("%q: path %q is sent as %q", raw, c.path, sent)
		}
	})
}

var _ Upstream = (*upstream.Upstream)(nil)
