package portal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/signing"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/look"
	"coatcheck/proxy/sessioncookie"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// users is a directory of one user whose answers a test can change.
type users struct {
	user auth.User
	err  error // of every question
}

func (u *users) User(_ context.Context, id string) (auth.User, error) {
	if u.err != nil {
		return auth.User{}, u.err
	}
	if id != u.user.ID {
		return auth.User{}, auth.ErrNoUser
	}
	return u.user, nil
}

func (u *users) CheckPassword(_ context.Context, login, password string) (auth.User, error) {
	switch {
	case u.err != nil:
		return auth.User{}, u.err
	case login != u.user.Username || password != "secret" || !u.user.Active:
		return auth.User{}, auth.ErrInvalidCredentials
	}
	return u.user, nil
}

// broken is a session store that can be made to fail.
type broken struct {
	*storetest.Memory
	load, remove error
}

func (s *broken) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if s.load != nil {
		return sessionstore.Record{}, s.load
	}
	return s.Memory.Load(ctx, key)
}

func (s *broken) Delete(ctx context.Context, key string) error {
	if s.remove != nil {
		return s.remove
	}
	return s.Memory.Delete(ctx, key)
}

// site is a portal over real sessions and a real auth service.
type testSite struct {
	*testing.T
	portal   *Portal
	users    *users
	store    *broken
	sessions *sessionstore.Sessions
	facts    facts.Facts
}

func newSite(t *testing.T, change ...func(*Options)) *testSite {
	t.Helper()
	s := &testSite{T: t, store: &broken{Memory: storetest.NewMemory(time.Now)}}
	s.facts = facts.Facts{RequestID: "req-1", Client: netip.MustParseAddr("192.0.2.7"), Secure: true, Host: "app.example.com"}
	s.users = &users{user: auth.User{ID: "7", Username: "alice", Password: "hash", Email: "alice@example.com", FirstName: "Alice", Groups: []string{"admins"}, Active: true}}
	opts := Options{CookieAge: 336 * time.Hour, RememberMe: true, Cookie: sessioncookie.New(sessioncookie.Options{SameSite: "Lax", HTTPOnly: true})}
	for _, f := range change {
		f(&opts)
	}
	settings := sessionstore.Settings{CookieAge: opts.CookieAge, ExpireAtBrowserClose: opts.ExpireAtBrowserClose}
	s.sessions = sessionstore.New(s.store, settings, time.Now)
	opts.Sessions = s.sessions
	opts.Auth = auth.NewService(auth.Options{Directory: s.users, Checker: s.users, Keys: signing.Keys{Secret: "k"}, Sessions: settings})
	portal, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.portal = portal
	return s
}

func titled(t testing.TB, title string) *look.Look {
	t.Helper()
	l, err := look.New(look.Options{Title: title})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const form1 = "username=alice&password=secret"

// do sends a request; a body makes it a form. Header is name, value, name, value …
func (s *testSite) do(method, target, body string, header ...string) *http.Response {
	s.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "app.example.com"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.portal.ServeHTTP(w, r.WithContext(facts.With(r.Context(), s.facts)))
	return w.Result()
}

// login logs alice in and returns the Cookie header to go on with.
func (s *testSite) login() string {
	s.Helper()
	res := s.do("POST", "/.auth/login", form1)
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if res.StatusCode != http.StatusSeeOther || cookie == "" {
		s.Fatalf("login: status %d, cookie %q", res.StatusCode, cookie)
	}
	return cookie
}

func (s *testSite) username(cookie string) string {
	s.Helper()
	var got visitor
	if err := json.Unmarshal([]byte(body(s.T, s.do("GET", "/.auth/session", "", "Cookie", cookie))), &got); err != nil {
		s.Fatal(err)
	}
	if got.User == nil {
		return ""
	}
	return got.User.Username
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantStatus(t *testing.T, res *http.Response, want int) {
	t.Helper()
	if res.StatusCode != want {
		t.Errorf("status %d, want %d; body %s", res.StatusCode, want, body(t, res))
	}
}

const htmlAccept = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestUnknownPath(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/.auth", "/.auth/", "/.auth/login/", "/.auth/LOGIN", "/login", "/.auth/static/style.css", "/.auth/accounts"} {
		wantStatus(t, s.do("GET", path, ""), http.StatusNotFound)
	}
}

func TestMethods(t *testing.T) {
	s := newSite(t)
	for _, tc := range []struct{ method, path, allow string }{
		{"PUT", "/.auth/login", "GET, HEAD, POST"},
		{"DELETE", "/.auth/logout", "GET, HEAD, POST"},
		{"POST", "/.auth/session", "GET, HEAD"},
		{"OPTIONS", "/.auth/login", "GET, HEAD, POST"},
	} {
		res := s.do(tc.method, tc.path, "")
		wantStatus(t, res, http.StatusMethodNotAllowed)
		if got := res.Header.Get("Allow"); got != tc.allow {
			t.Errorf("%s %s: Allow %q, want %q", tc.method, tc.path, got, tc.allow)
		}
	}
	if res := s.do("HEAD", "/.auth/login", ""); res.StatusCode != 200 || body(t, res) != "" || res.Header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: status %d, length %s, want the headers of GET without its body", res.StatusCode, res.Header.Get("Content-Length"))
	}
}

func TestPageHeaders_3_4_3(t *testing.T) {
	s := newSite(t, func(o *Options) { o.PublicURL = "https://www.example.com" })
	cookie := s.login()
	for name, res := range map[string]*http.Response{
		"login":         s.do("GET", "/.auth/login", ""),
		"logged in":     s.do("GET", "/.auth/login", "", "Cookie", cookie),
		"login refused": s.do("POST", "/.auth/login", "username=alice&password=no"),
		"logout":        s.do("GET", "/.auth/logout", "", "Cookie", cookie),
		"session":       s.do("GET", "/.auth/session", ""),
	} {
		for field, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self' https://www.example.com; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "same-origin",
			"Cache-Control":           "no-store", // 14.3.2
			"Vary":                    "Cookie, Accept, Accept-Language",
		} {
			if got := res.Header.Get(field); got != want {
				t.Errorf("%s: %s = %q, want %q", name, field, got, want)
			}
		}
		if got := res.Header.Get("Content-Type"); !strings.HasSuffix(got, "; charset=utf-8") {
			t.Errorf("4.1.1 %s: Content-Type %q", name, got)
		}
		if page := body(t, res); strings.Contains(page, "<script>") || strings.Contains(page, "onclick=") || strings.Contains(page, "style=") || strings.Contains(page, "<style") {
			t.Errorf("%s: the page needs more than its policy allows:\n%s", name, page)
		}
	}
}

func TestEscaping_1_2_1(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.Look, o.Text = titled(t, `<b>Title</b>`), `"><img src=x>`
	})
	res := s.do("POST", "/.auth/login", url.Values{"username": {`"><script>alert(1)</script>`}, "password": {"x"}, "next": {`/a"><i>`}}.Encode())
	page := body(t, res)
	for _, hostile := range []string{"<b>", "<img src=x", "<script>", "<i>"} {
		if strings.Contains(page, hostile) {
			t.Errorf("page holds %q unescaped:\n%s", hostile, page)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Cookie = nil }, "required"},
		{func(o *Options) { o.Prefix = "auth" }, "auth_prefix"},
		{func(o *Options) { o.Prefix = "/auth/" }, "auth_prefix"},
		{func(o *Options) { o.PublicURL = "app.example.com" }, "public_url"},
		{func(o *Options) { o.PublicURL = "ftp://app.example.com" }, "public_url"},
		{func(o *Options) { o.Logo = []byte("hello") }, "logo"},
		{func(o *Options) { o.Logo = make([]byte, maxLogo+1) }, "1 MiB"},
	} {
		good := newSite(t).portal.opts
		tc.change(&good)
		if _, err := New(good); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("New = %v, want an error with %q", err, tc.want)
		}
	}
}

func TestStatic(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.Logo, o.Prefix = []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "/sso"
	})
	page := body(t, s.do("GET", "/sso/login", ""))
	for path, contentType := range map[string]string{s.portal.assets.style: "text/css; charset=utf-8", s.portal.assets.logo: "image/svg+xml", s.portal.assets.mark: "image/svg+xml"} {
		res := s.do("GET", path, "")
		wantStatus(t, res, http.StatusOK)
		if got := res.Header.Get("Content-Type"); got != contentType {
			t.Errorf("%s: Content-Type %q, want %q", path, got, contentType)
		}
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		if !strings.HasPrefix(path, "/sso/static/") || path != s.portal.assets.mark && !strings.Contains(page, path) {
			t.Errorf("the page does not name %s:\n%s", path, page)
		}
	}
}

var errDown = errors.New("store is down")
