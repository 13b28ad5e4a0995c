package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

const userPassword = "grün, blue & 100% safe"

// house is a Django project and a proxy that share everything. At the proxy, / is Django, and the paths of routes lead to an
// application that answers with the headers it received.
type house struct {
	settings
	site  *testenv.DjangoSite
	proxy *process
	users atomic.Int64
}

const appRoutes = `
routes:
  - {path: /, upstream: %[1]q, access: optional, share_session: true}
  - {path: /app, upstream: %[2]q, access: login}
  - {path: /staff, upstream: %[2]q, access: login, staff: true}
  - {path: /root, upstream: %[2]q, access: login, superuser: true}
  - {path: /editors, upstream: %[2]q, access: login, groups: [editors]}
  - {path: /open, upstream: %[2]q, access: public}
`

func newHouse(t testing.TB, e engine, options testenv.DjangoOptions, session ...string) *house {
	t.Helper()
	options.Engine = e.session
	if e.database != nil {
		options.DatabaseURL = e.database(t)
	}
	if e.cache != nil {
		options.CacheURL = e.cache(t)
	}
	if e.hash == "md5" {
		if options.Settings == nil {
			options.Settings = map[string]any{}
		}
		options.Settings["PASSWORD_HASHERS"] = []string{"django.contrib.auth.hashers.MD5PasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"}
	}
	site := testenv.Django(t, options)
	h := &house{site: site, settings: settings{engine: e, secret: site.SecretKey, database: site.DatabaseURL, cache: options.CacheURL,
		session: session, extra: fmt.Sprintf(appRoutes, site.URL, newEcho(t).URL)}}
	if e.session == "file" {
		h.files = site.Folder
	}
	h.proxy = h.serve(t, h.settings)
	return h
}

func (h *house) serve(t testing.TB, s settings) *process {
	t.Helper()
	return serve(t, serveOptions{Config: s.yaml()})
}

// command runs a command of the binary with the proxy's configuration.
func (h *house) command(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	out, err := h.proxy.run(stdin, append(args, "--config", filepath.Join(h.proxy.dir, "config.yaml"))...)
	if err != nil {
		t.Fatalf("coatcheck %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// user makes a user of the test's own, in Django.
func (h *house) user(t testing.TB, groups ...string) string {
	t.Helper()
	name := fmt.Sprintf("user%d", h.users.Add(1))
	h.site.CreateUser(name, userPassword, groups...)
	return name
}

// sql runs a statement in the shared database, behind both sides' back; ? are its placeholders.
func (h *house) sql(t testing.TB, statement string, args ...any) {
	t.Helper()
	db, err := sqlconn.Open(h.site.DatabaseURL, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for n := 1; strings.Contains(statement, "?") && db.Dialect == sqlconn.Postgres; n++ {
		statement = strings.Replace(statement, "?", db.Placeholder(n), 1)
	}
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// visitor is a new browser at the proxy.
func (h *house) visitor(t testing.TB) *visitor { return newVisitor(t, h.proxy.URL) }

// visitorWith is a browser, or a thief, with this session cookie.
func visitorWith(t testing.TB, base, cookie string) *visitor {
	t.Helper()
	v := newVisitor(t, base)
	at, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	if cookie != "" {
		v.client.Jar.SetCookies(at, []*http.Cookie{{Name: "sessionid", Value: cookie}})
	}
	return v
}

// at is the same browser at another port; cookies know no ports.
func (v *visitor) at(base string) *visitor {
	return &visitor{t: v.t, client: v.client, base: base}
}

// whoami asks Django who it takes the visitor for.
func (v *visitor) whoami() testenv.Whoami {
	v.t.Helper()
	res := v.get("/whoami")
	var who testenv.Whoami
	if err := json.Unmarshal([]byte(res.Text), &who); err != nil {
		v.t.Fatalf("whoami: %s: %v\n%s", res.Status, err, res.Text)
	}
	return who
}

// must is a navigation that succeeds.
func (v *visitor) must(path string) answer {
	v.t.Helper()
	res := v.get(path)
	if res.StatusCode >= http.StatusBadRequest {
		v.t.Fatalf("GET %s: %s\n%.1000s", path, res.Status, res.Text)
	}
	return res
}

// echoed are the headers that the application behind path received; nil when the visitor was not let through.
func (v *visitor) echoed(path string, header ...string) http.Header {
	v.t.Helper()
	res := v.do(v.request(http.MethodGet, path, "", append([]string{"Accept", "application/json", "Sec-Fetch-Mode", "cors"}, header...)...))
	if res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden {
		return nil
	}
	var h http.Header
	if err := json.Unmarshal([]byte(res.Text), &h); err != nil {
		v.t.Fatalf("GET %s: %s: %v\n%.1000s", path, res.Status, err, res.Text)
	}
	return h
}

// app is whom the application behind the proxy takes the visitor for, "" for nobody.
func (v *visitor) app() string {
	v.t.Helper()
	return v.echoed("/app").Get("Remote-User")
}

var csrfToken = regexp.MustCompile(`name="csrfmiddlewaretoken" value="([^"]+)"`)

// djangoLogin logs in by Django's own form.
func (v *visitor) djangoLogin(name, password string) answer {
	v.t.Helper()
	token := csrfToken.FindStringSubmatch(v.must("/login").Text)
	if token == nil {
		v.t.Fatal("Django's login page has no CSRF token")
	}
	res := v.post("/login", url.Values{"username": {name}, "password": {password}, "csrfmiddlewaretoken": {token[1]}})
	if res.StatusCode != http.StatusFound {
		v.t.Fatalf("Django's login of %s: %s, want 302\n%.1000s", name, res.Status, res.Text)
	}
	return res
}

// newEcho starts an application that answers with the headers it received.
func newEcho(t testing.TB) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.Header)
	}))
	t.Cleanup(s.Close)
	return s
}

// soon waits at most the five seconds within which a change made elsewhere must be seen.
func soon(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 5 s: %s", what)
		}
	}
}

// expect checks whom each side takes a browser with the cookie for: the application behind the proxy, Django behind the proxy, and
// Django itself. Each is asked with that cookie, whatever the others answered.
func (h *house) expect(t testing.TB, when, cookie, want string) {
	t.Helper()
	h.expectAtProxy(t, when, cookie, want)
	h.expectAtDjango(t, when, cookie, want)
}

// expectAtProxy waits: what Django does is heard a little later.
func (h *house) expectAtProxy(t testing.TB, when, cookie, want string) {
	t.Helper()
	soon(t, fmt.Sprintf("%s: the application behind the proxy sees %q", when, want), func() bool { return visitorWith(t, h.proxy.URL, cookie).app() == want })
	if got := visitorWith(t, h.proxy.URL, cookie).whoami().User; got != want {
		t.Errorf("%s: Django behind the proxy sees %q, want %q", when, got, want)
	}
}

func (h *house) expectAtDjango(t testing.TB, when, cookie, want string) {
	t.Helper()
	if got := visitorWith(t, h.site.URL, cookie).whoami().User; got != want {
		t.Errorf("%s: Django itself sees %q, want %q", when, got, want)
	}
}
