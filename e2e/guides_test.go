package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coatcheck/internal/testenv"
)

var fence = regexp.MustCompile("(?ms)^```([a-z-]+)\n(.*?)^```$")

// guide gives the fenced blocks of a guide by their language.
func guide(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../deploy/guides", name))
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		blocks[m[1]] = append(blocks[m[1]], m[2])
	}
	return blocks
}

// Whoever copies a guide gets a configuration that loads.
func TestGuidesLoad(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../deploy/guides/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("guides: %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, config := range guide(t, filepath.Base(file))["yaml"] {
				path := filepath.Join(t.TempDir(), "config.yaml")
				if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := command(t, t.TempDir(), cleanEnv(), "", "config", "check", "--config", path); err != nil {
					t.Errorf("%v\n%s\n%s", err, out, config)
				}
			}
		})
	}
}

// recorder is an application that shows what it was asked.
func recorder(t *testing.T) *httptest.Server {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/fail") {
			http.Error(w, "the application's own", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"uri": r.RequestURI, "method": r.Method, "header": r.Header})
	}))
	t.Cleanup(app.Close)
	return app
}

// Real proxies with the configuration of their guides, with only the addresses changed.
func TestForwardAuth_4_1_3_8_2_1(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		listen string // in the guide
		start  func(testing.TB, func(addr string) string) *testenv.Server
	}{
		{"nginx", "listen 443 ssl", testenv.Nginx},
		{"caddy", "app.example.com {", testenv.Caddy},
	} {
		t.Run(c.name, func(t *testing.T) {
			blocks := guide(t, c.name+".md")
			s := newSettings(t, engine{session: "db", hash: "md5"})
			s.extra = strings.Replace(blocks["yaml"][0], "public_url: https://app.example.com\n", "", 1)
			p := serve(t, serveOptions{Config: s.yaml()})
			p.addUser("alice")
			app := recorder(t)
			front := c.start(t, func(addr string) string {
				listen := "listen " + addr
				if c.name == "caddy" {
					listen = "http://" + addr + " {"
				}
				return strings.NewReplacer(c.listen, listen, "127.0.0.1:8080", strings.TrimPrefix(p.URL, "http://"),
					"127.0.0.1:3000", strings.TrimPrefix(app.URL, "http://")).Replace(blocks[c.name][0])
			})
			checkForwardAuth(t, p, "http://"+front.Addr)
		})
	}
}

// A front server that just passes our 401 on, as Traefik and Envoy do: the page itself leads the browser to the login, and back.
func TestForwardAuthBrowser(t *testing.T) {
	t.Parallel()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = "trusted_proxies: [127.0.0.1]\nroutes: [{path: /, upstream: none}]\n"
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>x</title><h1>%s at %s</h1>", r.Header.Get("Remote-User"), html.EscapeString(r.RequestURI))
	}))
	t.Cleanup(app.Close)
	front := testenv.Caddy(t, func(addr string) string {
		return fmt.Sprintf("http://%s {\nhandle /.auth/* {\nreverse_proxy %[2]s\n}\nhandle {\nforward_auth %[2]s {\nuri /.auth/verify\ncopy_headers Remote-User\n}\n"+
			"reverse_proxy %[3]s\n}\n}\n", addr, strings.TrimPrefix(p.URL, "http://"), strings.TrimPrefix(app.URL, "http://"))
	})
	browser := newScreen(t, "http://"+front.Addr)
	browser.visit("/page?a=b&c=d")
	soon(t, "the browser is at the login page", func() bool { return browser.text("h1") == "Log in" })
	browser.login("alice", userPassword, false)
	if got := browser.text("h1"); got != "alice at /page?a=b&c=d" {
		t.Errorf("after the login: %q", got)
	}
	nobody := newVisitor(t, "http://"+front.Addr)
	if a := nobody.get("/page"); a.StatusCode != 401 || a.Header.Get("Location") != "" {
		t.Errorf("navigation: %s to %q, want 401", a.Status, a.Header.Get("Location"))
	}
}

func checkForwardAuth(t *testing.T, p *process, base string) {
	alice, nobody := newVisitor(t, base), newVisitor(t, base)
	if a := nobody.get("/page?a=b"); a.StatusCode != 303 || a.Header.Get("Location") != base+"/.auth/login?next=%2Fpage%3Fa%3Db" {
		t.Errorf("navigation by nobody: %s to %q", a.Status, a.Header.Get("Location"))
	}
	if a := nobody.do(nobody.request("GET", "/page", "", "Accept", "application/json")); a.StatusCode != 401 {
		t.Errorf("program: %s", a.Status)
	}
	alice.login("alice", userPassword)
	seen := func(a answer) (uri string, h http.Header) {
		t.Helper()
		var got struct {
			URI    string      `json:"uri"`
			Header http.Header `json:"header"`
		}
		if err := json.Unmarshal([]byte(a.Text), &got); a.StatusCode != 200 || err != nil {
			t.Fatalf("%s %v %.300s", a.Status, err, a.Text)
		}
		return got.URI, got.Header
	}
	uri, h := seen(alice.do(alice.request("POST", "/page/%C3%A9?a=b", "form=1", "Remote-User", "root", "Remote-Groups", "admins", "Remote_User", "root",
		"REMOTE_GROUPS", "admins")))
	if uri != "/page/%C3%A9?a=b" || strings.Join(h["Remote-User"], ",") != "alice" || strings.Join(h["Remote-Groups"], ",") != "" {
		t.Errorf("%s as %q of %q", uri, h["Remote-User"], h["Remote-Groups"])
	}
	for name := range h {
		if strings.Contains(name, "_") {
			t.Errorf("%s came through: %q", name, h[name])
		}
	}
	for _, path := range []string{"/admin", "/admin/x", "/%61dmin", "//admin", "/x/../admin", "/x/%2e%2e/admin", "/x/..;/admin"} {
		req := alice.request("GET", "/", "")
		req.URL.Opaque = path
		if strings.HasPrefix(path, "//") {
			req.URL.Opaque = req.URL.Scheme + "://" + req.URL.Host + path
		}
		if a := alice.do(req); a.StatusCode < 400 {
			t.Errorf("1.1.1 %s by a user without the group: %s", path, a.Status)
		}
	}
	for _, name := range []string{"X-Original-URI", "X-Original-URL", "X-Forwarded-Uri"} {
		if a := alice.do(alice.request("GET", "/admin", "", name, "/page")); a.StatusCode != 403 {
			t.Errorf("%s: /page let a user without the group into /admin: %s", name, a.Status)
		}
	}
	if a := alice.get("/fail"); a.StatusCode != 500 || !strings.Contains(a.Text, "the application's own") {
		t.Errorf("the application's error: %s %s", a.Status, a.Text)
	}
	alice.logout()
	if a := alice.get("/page"); a.StatusCode != 303 {
		t.Errorf("7.4.1 after the logout: %s", a.Status)
	}
	p.kill()
	if a := alice.get("/page"); a.StatusCode != 503 && a.StatusCode != 502 {
		t.Errorf("F01 nobody to ask: %s", a.Status)
	}
}
