package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/facts"

	"github.com/google/go-cmp/cmp"
)

func TestLoginForm_6_2_6(t *testing.T) {
	s := newSite(t, func(o *Options) { o.Look, o.Text = titled(t, "Library"), "Ask at the desk." })
	res := s.do("GET", "/.auth/login?next=/reports%3Fyear%3D2026", "", "Accept", htmlAccept)
	wantStatus(t, res, http.StatusOK)
	page := body(t, res)
	for _, want := range []string{
		"<title>Log in · Library</title>", "<h1>Log in</h1>", "Ask at the desk.", `method="post" action="/.auth/login"`,
		`<label for="username">`, `autocomplete="username"`, `<label for="password">`, `type="password" autocomplete="current-password"`,
		`name="next" value="/reports?year=2026"`, "autofocus",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the form lacks %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "role=\"alert\"") {
		t.Error("the first form already shows an error")
	}
}

func TestLogin(t *testing.T) {
	s := newSite(t)
	res := s.do("POST", "/.auth/login", form1+"&next=/reports%3Fyear%3D2026")
	wantStatus(t, res, http.StatusSeeOther)
	if got := res.Header.Get("Location"); got != "/reports?year=2026" {
		t.Errorf("Location %q", got)
	}
	line := res.Header.Get("Set-Cookie")
	if !regexp.MustCompile(`^sessionid=[a-z0-9]{32}; expires=[^;]+ GMT; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax; Secure$`).MatchString(line) {
		t.Errorf("3.3.1, 3.3.2 Set-Cookie %q", line)
	}
	cookie, _, _ := strings.Cut(line, ";")
	if got := s.username(cookie); got != "alice" {
		t.Errorf("with the cookie the visitor is %q", got)
	}
	s.facts = facts.Facts{}
	if line := s.do("POST", "/.auth/login", form1).Header.Get("Set-Cookie"); strings.Contains(line, "Secure") {
		t.Errorf("over http: Set-Cookie %q", line)
	}
}

// A key is new after every login, the old record is gone, and a key that a client brings is never taken over.
func TestLoginCyclesKey_7_2_4(t *testing.T) {
	s := newSite(t)
	first := s.login()
	for name, cookie := range map[string]string{"again": first, "unknown key": "sessionid=" + strings.Repeat("x", 32)} {
		res := s.do("POST", "/.auth/login", form1, "Cookie", cookie)
		second, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
		if second == cookie || s.username(second) != "alice" || s.username(cookie) != "" {
			t.Errorf("%s: before %s, after %s; old one still speaks for %q", name, cookie, second, s.username(cookie))
		}
	}
}

// Unknown, disabled and wrong are one answer to the byte.
func TestLoginRefused_6_3_8(t *testing.T) {
	answer := func(change func(*testSite), form string, header ...string) string {
		s := newSite(t)
		change(s)
		res := s.do("POST", "/.auth/login", form, header...)
		wantStatus(t, res, http.StatusUnauthorized)
		if res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie is set", form)
		}
		return fmt.Sprint(res.Header, body(t, res))
	}
	for _, header := range [][]string{{"Accept", htmlAccept}, {"Accept", "application/json"}} {
		nothing := func(*testSite) {}
		wrong := answer(nothing, "username=alice&password=wrong&next=/x", header...)
		unknown := answer(func(s *testSite) { s.users.user.Username = "bob" }, "username=alice&password=secret&next=/x", header...)
		disabled := answer(func(s *testSite) { s.users.user.Active = false }, "username=alice&password=secret&next=/x", header...)
		if wrong != unknown || wrong != disabled {
			t.Errorf("answers differ:\n%s\n%s\n%s", wrong, cmp.Diff(wrong, unknown), cmp.Diff(wrong, disabled))
		}
		if !strings.Contains(wrong, "The username or the password is wrong.") {
			t.Errorf("the answer does not say what is wrong:\n%s", wrong)
		}
	}
	page := answer(func(*testSite) {}, "username=alice&password=wrong&next=/x")
	for _, want := range []string{`role="alert"`, `value="alice"`, `name="next" value="/x"`, "<title>Error: Log in</title>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the form lacks %s:\n%s", want, page)
		}
	}
	if strings.Contains(page, "wrong\"") {
		t.Error("the form shows the password")
	}
}

func TestLoginTroubles(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*testSite)
		status int
		retry  string
		words  string
	}{
		{"throttled", func(s *testSite) { s.users.err = &auth.ThrottledError{RetryAfter: 90*time.Second - time.Millisecond} }, 429, "90", "Wait 90 seconds"},
		{"15.2.2 busy", func(s *testSite) { s.users.err = auth.ErrBusy }, 503, "3", "Too many people"},
		{"16.5.1 user table down", func(s *testSite) { s.users.err = errDown }, 503, "5", "nothing was changed"},
		{"F01 session store down", func(s *testSite) { s.store.load = errDown }, 503, "5", "nothing was changed"},
	} {
		for _, accept := range []string{htmlAccept, "application/json"} {
			t.Run(tc.name+" "+accept, func(t *testing.T) {
				s := newSite(t)
				tc.change(s)
				res := s.do("POST", "/.auth/login", form1, "Accept", accept, "Cookie", "sessionid="+s.sessions.NewKey())
				wantStatus(t, res, tc.status)
				text := body(t, res)
				if got := res.Header.Get("Retry-After"); got != tc.retry {
					t.Errorf("Retry-After %q, want %q", got, tc.retry)
				}
				if !strings.Contains(text, tc.words) || strings.Contains(text, errDown.Error()) {
					t.Errorf("body lacks %q or tells too much:\n%s", tc.words, text)
				}
				if got := res.Header.Get("Set-Cookie"); got != "" {
					t.Errorf("acknowledged with %q", got)
				}
			})
		}
	}
}

// No page fails open: while a store cannot be asked, nobody is anonymous and no cookie is taken away.
func TestPagesWhileStoreIsDown_F01(t *testing.T) {
	s := newSite(t)
	cookie := s.login()
	s.store.load = errDown
	for _, path := range []string{"/.auth/login", "/.auth/logout", "/.auth/session"} {
		res := s.do("GET", path, "", "Cookie", cookie)
		wantStatus(t, res, http.StatusServiceUnavailable)
		if got := res.Header.Get("Set-Cookie"); got != "" {
			t.Errorf("%s: Set-Cookie %q", path, got)
		}
	}
}

func TestLoginJSON(t *testing.T) {
	s := newSite(t)
	res := s.do("POST", "/.auth/login", form1+"&next=/x", "Accept", "application/json")
	wantStatus(t, res, http.StatusOK)
	var got visitor
	if err := json.Unmarshal([]byte(body(t, res)), &got); err != nil {
		t.Fatal(err)
	}
	want := user{ID: "7", Username: "alice", Name: "Alice", Email: "alice@example.com", Groups: []string{"admins"}}
	if diff := cmp.Diff(&want, got.User); diff != "" || got.Next != "/x" || res.Header.Get("Set-Cookie") == "" {
		t.Errorf("%s; next %q", diff, got.Next)
	}
	if text := body(t, s.do("GET", "/.auth/login", "", "Accept", "application/json")); text != "{\"user\":null}\n" {
		t.Errorf("GET login by nobody: %s", text)
	}
	res = s.do("POST", "/.auth/login", form1, "Accept", "application/json", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
	wantStatus(t, res, http.StatusSeeOther) // a browser's own form
}

// Who is logged in sees a page with a link on. It is no redirect: an application that sends its visitors back would make it a loop.
func TestLoginWhenLoggedIn(t *testing.T) {
	s := newSite(t)
	res := s.do("GET", "/.auth/login?next=/x", "", "Cookie", s.login())
	wantStatus(t, res, http.StatusOK)
	page := body(t, res)
	for _, want := range []string{"<strong>alice</strong>", `href="/x"`, `action="/.auth/logout"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s:\n%s", want, page)
		}
	}
}

func TestLoginNext_3_7_2(t *testing.T) {
	for _, tc := range []struct{ next, want string }{
		{"", "/"},
		{"/x?a=b", "/x?a=b"},
		{"//evil.example", "/"},
		{`/\evil.example`, "/"},
		{"https://evil.example/", "/"},
		{"https://app.example.com/x", "https://app.example.com/x"},
		{"https://www.example.com/x", "https://www.example.com/x"}, // public_url
		{"http://app.example.com/x", "/"},                          // not over https
	} {
		s := newSite(t, func(o *Options) { o.PublicURL = "https://WWW.example.com:443/" })
		res := s.do("POST", "/.auth/login", form1+"&next="+url.QueryEscape(tc.next))
		if got := res.Header.Get("Location"); got != tc.want {
			t.Errorf("next %q: Location %q, want %q", tc.next, got, tc.want)
		}
		page := body(t, s.do("GET", "/.auth/login?next="+url.QueryEscape(tc.next), ""))
		if got := strings.Contains(page, `name="next"`); got != (tc.want != "/") {
			t.Errorf("next %q: the form carries it: %t", tc.next, got)
		}
	}
}

func TestRemember(t *testing.T) {
	const session, weeks = "; HttpOnly; Path=/", "; Max-Age=1209600;"
	for _, tc := range []struct {
		name            string
		close, remember bool // expire_at_browser_close, remember_me
		field           string
		shown, cookie   string
	}{
		{"shared computer is offered", false, true, "", `value="off"`, weeks},
		{"shared computer", false, true, "off", `value="off"`, session},
		{"on changes nothing", false, true, "on", `value="off"`, weeks},
		{"remember me is offered", true, true, "", "Remember me for 2 weeks", session},
		{"remember me", true, true, "on", `value="on"`, weeks},
		{"off changes nothing", true, true, "off", `value="on"`, session},
		{"not offered, not honoured", true, false, "on", "", session},
		{"off can be asked for always", false, false, "off", "", session},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSite(t, func(o *Options) { o.ExpireAtBrowserClose, o.RememberMe = tc.close, tc.remember })
			page := body(t, s.do("GET", "/.auth/login", ""))
			if tc.shown == "" && strings.Contains(page, "checkbox") || !strings.Contains(page, tc.shown) {
				t.Errorf("want %q on the page:\n%s", tc.shown, page)
			}
			form := form1
			if tc.field != "" {
				form += "&remember=" + tc.field
			}
			if line := s.do("POST", "/.auth/login", form).Header.Get("Set-Cookie"); !strings.Contains(line, tc.cookie) {
				t.Errorf("Set-Cookie %q, want %q", line, tc.cookie)
			}
		})
	}
}

func TestFormRefused_2_2_1(t *testing.T) {
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"3.5.3 text/plain", "text/plain", form1, 415},
		{"3.5.3 multipart", "multipart/form-data; boundary=x", "--x--", 415},
		{"JSON", "application/json", "{}", 415},
		{"no type", "", form1, 415},
		{"other charset", "application/x-www-form-urlencoded; charset=utf-16", form1, 415},
		{"too large", "application/x-www-form-urlencoded", form1 + "&x=" + strings.Repeat("x", maxBody), 413},
		{"too many fields", "application/x-www-form-urlencoded", form1 + strings.Repeat("&a", maxFields), 400},
		{"name twice", "application/x-www-form-urlencoded", form1 + "&username=bob", 400},
		{"name twice in another spelling", "application/x-www-form-urlencoded", form1 + "&user%6eame=bob", 400},
		{"not UTF-8", "application/x-www-form-urlencoded", "username=%ff&password=x", 400},
		{"broken escape", "application/x-www-form-urlencoded", "username=%zz&password=x", 400},
		{"semicolon", "application/x-www-form-urlencoded", "username=a;password=x", 400},
		{"remember", "application/x-www-form-urlencoded", form1 + "&remember=maybe", 400},
		{"no fields", "application/x-www-form-urlencoded", "a=b", 400},
		{"empty body", "", "", 400},
		{"empty password", "application/x-www-form-urlencoded", "username=alice&password=", 400},
		{"huge username", "application/x-www-form-urlencoded", "username=" + strings.Repeat("a", maxUsername+1) + "&password=x", 400},
		{"6.2.9 huge password", "application/x-www-form-urlencoded", "username=alice&password=" + strings.Repeat("x", 4097), 401},
		{"with charset", "application/x-www-form-urlencoded; charset=UTF-8", form1, 303},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := newSite(t).do("POST", "/.auth/login", tc.body, "Content-Type", tc.contentType)
			wantStatus(t, res, tc.status)
			if (res.Header.Get("Set-Cookie") != "") != (tc.status == 303) {
				t.Errorf("Set-Cookie %q", res.Header.Get("Set-Cookie"))
			}
		})
	}
}

// Fields count only in the body (15.3.7).
func TestFormIgnoresQuery_2_2_1(t *testing.T) {
	s := newSite(t)
	wantStatus(t, s.do("POST", "/.auth/login?username=alice&password=secret", ""), http.StatusBadRequest)
	if got := s.do("POST", "/.auth/login?next=/x", form1).Header.Get("Location"); got != "/" {
		t.Errorf("next of the query was followed: %q", got)
	}
}

func TestCrossOrigin_3_5_1(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header []string
		facts  facts.Facts
		want   int
	}{
		{"no browser", nil, facts.Facts{}, 303},
		{"same origin", []string{"Sec-Fetch-Site", "same-origin"}, facts.Facts{}, 303},
		{"typed address", []string{"Sec-Fetch-Site", "none"}, facts.Facts{}, 303},
		{"other site", []string{"Sec-Fetch-Site", "cross-site"}, facts.Facts{}, 403},
		{"sibling host", []string{"Sec-Fetch-Site", "same-site"}, facts.Facts{}, 403},
		{"public_url's page", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://www.example.com"}, facts.Facts{}, 303},
		{"old browser, same origin", []string{"Origin", "https://app.example.com"}, facts.Facts{}, 303},
		{"old browser, other origin", []string{"Origin", "https://evil.example"}, facts.Facts{}, 403},
		{"old browser, opaque origin", []string{"Origin", "null"}, facts.Facts{}, 403},
		{"host as the trusted proxy names it", []string{"Origin", "https://outside.example.com"}, facts.Facts{Host: "outside.example.com"}, 303},
		{"host before the trusted proxy", []string{"Origin", "https://app.example.com"}, facts.Facts{Host: "outside.example.com"}, 403},
		{"http page to https", []string{"Origin", "http://app.example.com"}, facts.Facts{Secure: true}, 403},
		{"http page to http", []string{"Origin", "http://app.example.com"}, facts.Facts{}, 303},
	} {
		for _, path := range []string{"/.auth/login", "/.auth/logout"} {
			t.Run(tc.name+" "+path, func(t *testing.T) {
				s := newSite(t, func(o *Options) { o.PublicURL = "https://www.example.com" })
				cookie := s.login()
				s.facts = tc.facts
				res := s.do("POST", path, form1, append(tc.header, "Cookie", cookie, "Accept", htmlAccept)...)
				wantStatus(t, res, tc.want)
				if tc.want == 403 && (s.username(cookie) != "alice" || res.Header.Get("Set-Cookie") != "" || !strings.Contains(body(t, res), "public_url")) {
					t.Error("refused, but something was done, or not said what to do")
				}
			})
		}
	}
}
