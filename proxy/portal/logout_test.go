package portal

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

const deleted = `sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`

func TestLogout_7_4_1(t *testing.T) {
	s := newSite(t)
	cookie := s.login()
	res := s.do("POST", "/.auth/logout", "", "Cookie", cookie)
	wantStatus(t, res, http.StatusSeeOther)
	if got := res.Header.Get("Set-Cookie"); got != deleted {
		t.Errorf("Set-Cookie %q, want Django's deletion", got)
	}
	if got := res.Header.Get("Location"); got != "/.auth/login" {
		t.Errorf("Location %q", got)
	}
	if _, err := s.store.Load(t.Context(), strings.TrimPrefix(cookie, "sessionid=")); err == nil {
		t.Error("the record is still there")
	}
	again := s.do("POST", "/.auth/logout", "", "Cookie", cookie)
	if again.StatusCode != res.StatusCode || again.Header.Get("Set-Cookie") != deleted {
		t.Errorf("a dead session is answered otherwise: %d %v", again.StatusCode, again.Header)
	}
	nobody := s.do("POST", "/.auth/logout", "")
	if nobody.StatusCode != res.StatusCode || nobody.Header.Get("Set-Cookie") != deleted {
		t.Errorf("nobody is answered otherwise: %d %v", nobody.StatusCode, nobody.Header)
	}
}

// A GET only asks; links and images of other sites log nobody out.
func TestLogoutAsks_3_5_3(t *testing.T) {
	s := newSite(t)
	cookie := s.login()
	res := s.do("GET", "/.auth/logout?next=/bye", "", "Cookie", cookie)
	wantStatus(t, res, http.StatusOK)
	page := body(t, res)
	for _, want := range []string{`<form method="post" action="/.auth/logout">`, `name="next" value="/bye"`, "<strong>alice</strong>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
	if s.username(cookie) != "alice" {
		t.Error("asking logged out")
	}
	if page := body(t, s.do("GET", "/.auth/logout", "")); !strings.Contains(page, "You are not logged in") {
		t.Errorf("page for nobody:\n%s", page)
	}
}

func TestLogoutNext_3_7_2(t *testing.T) {
	s := newSite(t)
	for next, want := range map[string]string{"/bye": "/bye", "//evil.example": "/.auth/login", "https://evil.example": "/.auth/login"} {
		if got := s.do("POST", "/.auth/logout", "next="+next).Header.Get("Location"); got != want {
			t.Errorf("next %q: Location %q, want %q", next, got, want)
		}
	}
	res := s.do("POST", "/.auth/logout", "", "Accept", "application/json", "Content-Type", "text/plain")
	wantStatus(t, res, http.StatusOK)
	if got := body(t, res); got != "{\"user\":null,\"next\":\"/.auth/login\"}\n" {
		t.Errorf("JSON: %s", got)
	}
}

// A logout that could not be written is not acknowledged.
func TestLogoutWhileStoreIsDown_F01(t *testing.T) {
	for name, down := range map[string]func(*testSite){
		"load":   func(s *testSite) { s.store.load = errDown },
		"delete": func(s *testSite) { s.store.remove = errDown },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			cookie := s.login()
			down(s)
			res := s.do("POST", "/.auth/logout", "", "Cookie", cookie)
			wantStatus(t, res, http.StatusServiceUnavailable)
			if got := res.Header.Get("Set-Cookie"); got != "" || res.Header.Get("Retry-After") == "" {
				t.Errorf("Set-Cookie %q, Retry-After %q", got, res.Header.Get("Retry-After"))
			}
			s.store.load, s.store.remove = nil, nil
			if s.username(cookie) != "alice" {
				t.Error("the session has ended all the same")
			}
		})
	}
}

// Of several cookies one must be live; a logout ends them all.
func TestSeveralCookies_R9(t *testing.T) {
	s := newSite(t)
	one, two := s.login(), s.login()
	dead := "sessionid=" + s.sessions.NewKey()
	if got := s.username(one + "; " + dead); got != "alice" {
		t.Errorf("one live and one dead: %q", got)
	}
	res := s.do("GET", "/.auth/session", "", "Cookie", one+"; "+two)
	wantStatus(t, res, http.StatusUnauthorized)
	if got := res.Header.Get("Set-Cookie"); got != "" {
		t.Errorf("of two, ours is taken away and the other left: %q", got)
	}
	wantStatus(t, s.do("POST", "/.auth/logout", "", "Cookie", one+"; "+two), http.StatusSeeOther)
	if s.username(one)+s.username(two) != "" {
		t.Error("a session is left after the logout")
	}
}

func TestSession(t *testing.T) {
	s := newSite(t)
	res := s.do("GET", "/.auth/session", "", "Accept", htmlAccept)
	wantStatus(t, res, http.StatusUnauthorized)
	if got := body(t, res); got != `{"status":401,"title":"Nobody is logged in","user":null}`+"\n" {
		t.Errorf("nobody: %s", got)
	}
	cookie := s.login()
	key := strings.TrimPrefix(cookie, "sessionid=")
	before, _ := s.store.Load(t.Context(), key)
	res = s.do("GET", "/.auth/session", "", "Cookie", cookie, "Accept", htmlAccept)
	wantStatus(t, res, http.StatusOK)
	text := body(t, res)
	var got visitor
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.User.Username != "alice" || got.Expires == nil || !got.Expires.Equal(before.Expires.Truncate(time.Second)) {
		t.Errorf("answer %s, record ends %s", text, before.Expires)
	}
	if after, _ := s.store.Load(t.Context(), key); !after.Expires.Equal(before.Expires) || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("asking extended the session from %s to %s", before.Expires, after.Expires)
	}
	if strings.Contains(text, key) {
		t.Error("3.3.4 the answer holds the session key")
	}
}

// A cookie that leads nowhere is taken away; a changed password ends the session (7.4.2).
func TestStaleCookie(t *testing.T) {
	s := newSite(t)
	if got := s.do("GET", "/.auth/login", "", "Cookie", "sessionid="+s.sessions.NewKey()).Header.Get("Set-Cookie"); got != deleted {
		t.Errorf("unknown key: Set-Cookie %q", got)
	}
	cookie := s.login()
	s.users.user.Password = "another"
	res := s.do("GET", "/.auth/login", "", "Cookie", cookie)
	if got := res.Header.Get("Set-Cookie"); got != deleted || strings.Contains(body(t, res), "alice") {
		t.Errorf("after a password change: Set-Cookie %q", got)
	}
}
