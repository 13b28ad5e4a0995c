package proxy

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/proxy/identity"
)

func TestCredentials_4_1_3(t *testing.T) {
	basic, err := identity.NewBasic(identity.Basic{From: "username", Password: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	g := newRig(t, settings{routes: []Route{
		{Path: "/", Access: Access{Mode: ModeOptional}, Credentials: basic},
		{Path: "/open", Access: Access{Mode: ModePublic}, Credentials: basic},
		{Path: "/plain", Access: Access{Mode: ModeOptional}},
	}})
	alice := session(g.login("1"))
	own := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:s3cret"))
	for _, c := range []struct{ name, path, cookie, want string }{
		{"logged in", "/x", alice, own},
		{"nobody", "/x", "", ""},
		{"public", "/open", alice, ""},
		{"route without", "/plain", alice, "Bearer client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g.get(c.path, "Cookie", c.cookie, "Authorization", "Bearer client")
			if saw := g.app.taken(); saw == nil || saw.Header.Get("Authorization") != c.want {
				t.Errorf("%s: the upstream saw %+v, want Authorization %q", c.path, saw, c.want)
			}
		})
	}
	if a := g.get("/.auth/verify", "Cookie", alice); a.Header.Get("Authorization") != "" {
		t.Error("13.3.1: the password is in the answer of forward-auth, which a browser can ask for")
	}
}

func TestPreflight(t *testing.T) {
	g := newRig(t, settings{routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/api", Access: Access{Mode: ModeLogin}, Preflight: true},
		{Path: "/api/deny", Preflight: true},
	}})
	asks := []string{"Origin", "https://other.example", "Access-Control-Request-Method", "PUT", "Cookie", session(g.login("1")), "Remote-User", "root"}
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
	}{
		{"preflight", "OPTIONS", "/api/x", "", asks, 200},
		{"route without", "OPTIONS", "/x", "", asks[:4], 401},
		{"another reading has none", "OPTIONS", "/api/..%2fx", "", asks[:4], 401},
		{"no method asked for", "OPTIONS", "/api/x", "", asks[:2], 401},
		{"no origin", "OPTIONS", "/api/x", "", asks[2:4], 401},
		{"another method", "GET", "/api/x", "", asks[:4], 401},
		{"with a body", "OPTIONS", "/api/x", "x", asks[:4], 401},
		{"denied", "OPTIONS", "/api/deny", "", asks, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a := g.do(c.method, c.path, c.body, c.header...); a.StatusCode != c.status {
				t.Errorf("%d, want %d", a.StatusCode, c.status)
			}
			if saw := g.app.taken(); (saw != nil) != (c.status == 200) || saw != nil && (saw.Header.Get("Remote-User") != "" || saw.Header.Get("Cookie") != "") {
				t.Errorf("the upstream saw %+v", saw)
			}
		})
	}
}

func TestHeaderChanges(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{
		Path: "/", Access: Access{Mode: ModeLogin},
		Request: HeaderChanges{Set: []Field{{Name: "X-Env", Value: "prod"}, {Name: "Remote-User", Value: "root"}, {Name: "X-Request-Id", Value: "mine"}},
			Remove: []string{"X-Debug", "Cookie"}},
		Response: HeaderChanges{Set: []Field{{Name: "X-Frame-Options", Value: "DENY"}}, Remove: []string{"Server"}},
	}}})
	var saw http.Header
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		saw = r.Header.Clone()
		w.Header().Set("Server", "legacy/1.0")
	})
	a := g.get("/", "Cookie", session(g.login("1"))+"; other=1", "X-Debug", "1", "X-Env", "client")
	if a.Header.Get("Server") != "" || a.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("answer %v", a.Header)
	}
	if saw.Get("X-Env") != "prod" || saw.Get("X-Debug") != "" || saw.Get("Cookie") != "" {
		t.Errorf("request %v", saw)
	}
	if saw.Get("Remote-User") != "alice" || saw.Get("X-Request-Id") == "mine" {
		t.Errorf("4.1.3: a change wins over what we set: %v", saw)
	}
}

func TestRewriteAnswers(t *testing.T) {
	for _, c := range []struct{ name, upstreamPath, location, want string }{
		{"path", "", "/login?next=/x#top", "/app/login?next=/x#top"},
		{"root", "", "/", "/app/"},
		{"relative", "", "page", "page"},
		{"only a query", "", "?page=2", "?page=2"},
		{"the upstream's own address", "", "UPSTREAM/login", "http://app.example.com/app/login"},
		{"the upstream's own address, bare", "", "UPSTREAM", "http://app.example.com/app/"},
		{"the host that was asked for", "", "http://app.example.com/login", "http://app.example.com/app/login"},
		{"another host", "", "https://idp.example/login", "https://idp.example/login"},
		{"another scheme of the upstream", "", "ftp://UPSTREAMHOST/x", "ftp://UPSTREAMHOST/x"},
		{"without scheme", "", "//evil.example/x", "//evil.example/x"},
		{"escapes", "", "/a%2Fb%20c", "/app/a%2Fb%20c"},
		{"below the upstream's path", "/base", "/base/x", "/app/x"},
		{"beside the upstream's path", "/base", "/other", "/other"},
		{"3.7.2 a host behind the path", "/base", "/base//evil.example", "/app//evil.example"},
		{"no address", "", "http://[", "http://["},
	} {
		t.Run(c.name, func(t *testing.T) {
			location := ""
			g := newRig(t, settings{upstream: c.upstreamPath, routes: []Route{{
				Path: "/app", Access: Access{Mode: ModePublic}, StripPrefix: true, RewriteRedirects: true, RewriteCookiePath: true,
			}}})
			named := strings.NewReplacer("UPSTREAMHOST", strings.TrimPrefix(g.app.URL, "http://"), "UPSTREAM", g.app.URL)
			location = named.Replace(c.location)
			g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Location"] = []string{location}
				w.Header()["Set-Cookie"] = []string{"a=b; Path=/; HttpOnly", "c=d; path=" + c.upstreamPath + "/x", "e=f", "g=Path=/"}
				w.WriteHeader(http.StatusFound)
			})
			a := g.get("/app/start")
			if got := a.Header.Get("Location"); got != named.Replace(c.want) {
				t.Errorf("%q became %q, want %q", location, got, named.Replace(c.want))
			}
			want := []string{"a=b; Path=/app/; HttpOnly", "c=d; Path=/app/x", "e=f", "g=Path=/"}
			if c.upstreamPath != "" {
				want[0] = "a=b; Path=/; HttpOnly"
			}
			if got := a.Header["Set-Cookie"]; fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("cookies %q, want %q", got, want)
			}
		})
	}
}

// Without a prefix, what the upstream's path hides must not become a host (3.7.2).
func TestRewriteLeavesNoHost_3_7_2(t *testing.T) {
	g := newRig(t, settings{upstream: "/base", routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}, RewriteRedirects: true}}})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/base//evil.example") })
	if got := g.get("/").Header.Get("Location"); got != "/base//evil.example" {
		t.Errorf("Location %q", got)
	}
}

func TestPages(t *testing.T) {
	g := newRig(t, settings{pages: map[string]http.Handler{"/keys": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("keys"))
	})}})
	for path, want := range map[string]string{"/.auth/keys": "keys", "/.auth/login": "portal /.auth/login", "/.auth//keys": "portal"} {
		if a := g.get(path); !strings.HasPrefix(a.body, want) {
			t.Errorf("%s: %q, want %q", path, a.body, want)
		}
	}
}

func TestIdentitiesThatOverlap(t *testing.T) {
	headers, _ := identity.New(identity.Options{})
	if _, err := newRoute(Route{Path: "/", NoUpstream: true, Identity: Identities{headers, headers}}); err == nil {
		t.Error("two identities in one header")
	}
	both := Identities{headers, must(identity.New(identity.Options{Preset: "x-webauth"}))}
	fields, err := both.Fields(auth.Principal{ID: "1", Username: "alice"})
	if err != nil || len(fields) != 2 {
		t.Errorf("%v %v", fields, err)
	}
}

func must(h *identity.Headers, err error) *identity.Headers {
	if err != nil {
		panic(err)
	}
	return h
}
