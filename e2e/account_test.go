package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A user with a keyboard looks at their sessions, ends one, ends the others, and changes the password: of two other browsers each is
// out at once, and this one goes on, under a new key.
func TestAccount(t *testing.T) {
	t.Parallel()
	p := library(t)
	phone, desk := newVisitor(t, p.URL), newVisitor(t, p.URL)
	phone.login("hanna", userPassword)
	s := newScreen(t, p.URL)
	s.visit("/.auth/account")
	s.login("hanna", userPassword, false)
	if got := s.text("h1"); got != "Your account" {
		t.Fatalf("after the login: %q", got)
	}
	if got := s.text(".devices"); !strings.Contains(got, "Chrome on Linux") || !strings.Contains(got, "This session") || !strings.Contains(got, "Go-http-client") {
		t.Errorf("the sessions are %q", got)
	}
	inside := func(v *visitor) bool { return v.fetch("/").StatusCode == http.StatusOK }
	if !inside(phone) {
		t.Fatal("the other browser is not logged in")
	}

	s.tabTo(".devices button")
	s.then(chromedp.KeyEvent(kb.Enter))
	if got := s.text("[role=status]"); got != "The session is ended." {
		t.Errorf("after ending one: %q", got)
	}
	soon(t, "the ended session is out", func() bool { return !inside(phone) })
	if got := s.text("h1"); got != "Your account" {
		t.Errorf("this session: %q", got)
	}

	phone.login("hanna", userPassword)
	desk.login("hanna", userPassword)
	s.visit("/.auth/account")
	s.tabTo(`form[action$="/end-others"] button`)
	s.then(chromedp.KeyEvent(kb.Enter))
	if got := s.text("[role=status]"); got != "2 other sessions are ended." {
		t.Errorf("after ending the others: %q", got)
	}
	soon(t, "both are out", func() bool { return !inside(phone) && !inside(desk) })

	const fresh = "eine Brücke über den Fluss"
	phone.login("hanna", userPassword)
	change := func(current, next, again string) {
		t.Helper()
		s.tabTo("#current")
		s.then(chromedp.KeyEvent(current + kb.Tab + kb.Tab + next + kb.Tab + kb.Tab + again + kb.Enter))
	}
	change("not it", fresh, fresh)
	if got := s.text("[role=alert]"); got != "The current password is wrong." {
		t.Errorf("with a wrong password: %q", got)
	}
	change(userPassword, fresh, fresh+"x")
	if got := s.text("[role=alert]"); got != "The two new passwords are not the same." {
		t.Errorf("with two different ones: %q", got)
	}
	change(userPassword, "hanna1", "hanna1")
	if got := s.text("[role=alert]"); !strings.Contains(got, "at least 8 characters") || !strings.Contains(got, "too much like your username") {
		t.Errorf("with a bad one: %q", got)
	}
	change(userPassword, fresh, fresh)
	if got := s.text("[role=status]"); !strings.HasPrefix(got, "Your password is changed") {
		t.Errorf("after the change: %q\n%s", got, s.text("main"))
	}
	soon(t, "the other browser is out", func() bool { return !inside(phone) })
	s.visit("/.auth/account")
	if got := s.text("h1"); got != "Your account" {
		t.Errorf("this browser: %q", got)
	}
	desk.login("hanna", fresh)
	if res := phone.post("/.auth/login", url.Values{"username": {"hanna"}, "password": {userPassword}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old password: %s", res.Status)
	}
	s.quiet("403 (Forbidden)", "400 (Bad Request)")
}

// What the account page does takes a POST of our own origin by somebody who is logged in; everything else changes nothing and says so.
func TestAccountRefuses_3_5_1(t *testing.T) {
	t.Parallel()
	p := library(t)
	v := newVisitor(t, p.URL)
	v.login("hanna", userPassword)
	form := url.Values{"current": {userPassword}, "new": {"another fine password"}, "again": {"another fine password"}}
	for _, path := range []string{"/end", "/end-others", "/password"} {
		path = "/.auth/account" + path
		if res := v.get(path); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %s", path, res.Status)
		}
		cross := v.request(http.MethodPost, path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html", "Sec-Fetch-Mode", "navigate",
			"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		if res := v.do(cross); res.StatusCode != http.StatusForbidden || !strings.Contains(res.Text, `href="/.auth/account"`) {
			t.Errorf("POST %s of another site: %s\n%s", path, res.Status, res.Text)
		}
		if res := newVisitor(t, p.URL).post(path, form); res.StatusCode != http.StatusForbidden || !strings.Contains(res.Text, "without your session") {
			t.Errorf("POST %s of nobody: %s\n%s", path, res.Status, res.Text)
		}
	}
	newVisitor(t, p.URL).login("hanna", userPassword)

	other := newVisitor(t, p.URL)
	other.login("boss", userPassword)
	hash := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(v.fetch("/.auth/account").Text)
	if hash == nil {
		t.Fatal("JSON names no session")
	}
	if res := other.post("/.auth/account/end", url.Values{"session": {hash[1]}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("ending another user's session: %s", res.Status)
	}
	if res := v.fetch("/"); res.StatusCode != http.StatusOK {
		t.Errorf("another user has ended the session: %s", res.Status)
	}
	for range 5 {
		v.post("/.auth/account/password", url.Values{"current": {"wrong"}, "new": {"another fine password"}, "again": {"another fine password"}})
	}
	if res := v.post("/.auth/account/password", form); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("6.3.1 the sixth try: %s", res.Status)
	}
}
