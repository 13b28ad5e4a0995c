package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/diagnosis"
	"coatcheck/proxy/wording"
	"coatcheck/sessionstore"
)

// cloakroom is a list of sessions whose answers a test can change.
type cloakroom struct {
	devices []Device
	err     error
	ended   []string
}

func (c *cloakroom) OfUser(_ context.Context, _, key string) ([]Device, error) {
	if c.err != nil {
		return nil, c.err
	}
	return append([]Device{{Hash: "this", This: true, LastSeen: time.Now(), Address: "192.0.2.7"}}, c.devices...), nil
}

func (c *cloakroom) End(_ context.Context, userID, hash string) error {
	c.ended = append(c.ended, userID+" "+hash)
	return c.err
}

func (c *cloakroom) EndOthers(_ context.Context, userID, _ string) (int, error) {
	c.ended = append(c.ended, userID+" others")
	return len(c.devices), c.err
}

func accountSite(t *testing.T) (*testSite, *cloakroom) {
	t.Helper()
	room := &cloakroom{devices: []Device{{
		Hash: "other", LastSeen: time.Now().Add(-3 * 24 * time.Hour), Created: time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC), Address: "2001:db8::1",
		Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	}}}
	return newSite(t, func(o *Options) { o.Devices = room }), room
}

func TestAccountPage(t *testing.T) {
	s, _ := accountSite(t)
	cookie := s.login()
	for language, wants := range map[string][]string{
		"en": {`<html lang="en">`, "<h1>Your account</h1>", "<dd>alice</dd>", "<dd>alice@example.com</dd>", "<dd>admins</dd>", "13 days", "Firefox on Linux", "Last used 3 days ago · Address 2001:db8::1",
			"Since 1 March 2026, 08:30 UTC", "This session", `value="other"`, `aria-label="End the session of Firefox on Linux, last used 3 days ago"`, "Your password is kept by another system"},
		"de": {`<html lang="de">`, "<h1>Ihr Konto</h1>", "13 Tage", "Firefox unter Linux", "Zuletzt benutzt vor 3 Tagen · Adresse 2001:db8::1", "Seit 1. März 2026, 08:30 Uhr UTC", "Diese Sitzung"},
	} {
		res := s.do("GET", "/.auth/account", "", "Cookie", cookie, "Accept", htmlAccept, "Accept-Language", language)
		wantStatus(t, res, http.StatusOK)
		if got := res.Header.Get("Content-Language"); got != language {
			t.Errorf("Content-Language %q, want %q", got, language)
		}
		page := body(t, res)
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %q:\n%s", language, want, page)
			}
		}
		if strings.Count(page, `name="session"`) != 1 {
			t.Errorf("%s: this session can be ended, too:\n%s", language, page)
		}
	}
	list := body(t, s.do("GET", "/.auth/account", "", "Cookie", cookie, "Accept", "application/json"))
	if !strings.Contains(list, `"sessions":[{"id":"this","this":true`) || !strings.Contains(list, `"last_seen":`) {
		t.Errorf("JSON: %s", list)
	}
	res := s.do("GET", "/.auth/account", "", "Accept", htmlAccept)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/.auth/login?next=%2F.auth%2Faccount" {
		t.Errorf("nobody: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	wantStatus(t, s.do("GET", "/.auth/account", "", "Accept", "application/json"), http.StatusUnauthorized)
}

func TestAccountEnds_7_4_3(t *testing.T) {
	s, room := accountSite(t)
	cookie := s.login()
	res := s.do("POST", "/.auth/account/end", "session=other", "Cookie", cookie)
	wantStatus(t, res, http.StatusSeeOther)
	page := body(t, s.do("GET", res.Header.Get("Location"), "", "Cookie", cookie, "Accept", htmlAccept))
	if !strings.Contains(page, `role="status">The session is ended.`) {
		t.Errorf("no notice:\n%s", page)
	}
	res = s.do("POST", "/.auth/account/end-others", "", "Cookie", cookie)
	page = body(t, s.do("GET", res.Header.Get("Location"), "", "Cookie", cookie, "Accept", htmlAccept, "Accept-Language", "de"))
	if !strings.Contains(page, "1 andere Sitzung ist beendet.") {
		t.Errorf("no notice:\n%s", page)
	}
	if got := strings.Join(room.ended, ", "); got != "7 other, 7 others" {
		t.Errorf("ended %q", got)
	}
	wantStatus(t, s.do("POST", "/.auth/account/end", "", "Cookie", cookie), http.StatusBadRequest)
	room.err = errors.New("database is away")
	for _, path := range []string{"/end", "/end-others"} {
		if res := s.do("POST", "/.auth/account"+path, "session=other", "Cookie", cookie); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Location") != "" {
			t.Errorf("%s with a fault: %d", path, res.StatusCode)
		}
	}
	wantStatus(t, s.do("GET", "/.auth/account", "", "Cookie", cookie), http.StatusServiceUnavailable)
}

// What the address says was done is one of our sentences or nothing.
func TestAccountNotice_1_2_1(t *testing.T) {
	s, _ := accountSite(t)
	cookie := s.login()
	for done, want := range map[string]string{
		"": "", "ended-others-99999999999": "", "ended-others-<b>": "", "ended-others--1": "", "<script>": "", "ended-others-0": "0 other sessions are ended.",
	} {
		page := body(t, s.do("GET", "/.auth/account?done="+url.QueryEscape(done), "", "Cookie", cookie, "Accept", htmlAccept))
		if has := strings.Contains(page, `class="notice"`); has != (want != "") || !strings.Contains(page, want) || strings.Contains(page, "<script>") || strings.Contains(page, "<b>") {
			t.Errorf("done=%s:\n%s", done, page)
		}
	}
}

func TestAccountPassword(t *testing.T) {
	room := &cloakroom{}
	changer := &changer{}
	s := newSite(t, func(o *Options) { o.Devices = room })
	changer.Auth, s.portal.opts.Auth = s.portal.opts.Auth, changer
	cookie := s.login()
	const fields = "current=a&new=b&again=b"
	for _, c := range []struct {
		name, form string
		err        error
		status     int
		want       string
	}{
		{"a field is missing", "current=a&new=b", nil, 400, "Fill in all three fields."},
		{"two new ones", "current=a&new=b&again=c", nil, 400, "not the same"},
		{"wrong", fields, auth.ErrInvalidCredentials, 403, "The current password is wrong."},
		{"refused", fields, &auth.PasswordRejectedError{Faults: []auth.PasswordFault{{Name: "length", N: 8}, {Name: "similar-email"}}}, 400, "Use at least 8 characters."},
		{"throttled", fields, &auth.ThrottledError{RetryAfter: 90 * time.Second}, 429, "Wait 90 seconds"},
		{"busy", fields, auth.ErrBusy, 503, "Try again in a few seconds."},
		{"logged out meanwhile", fields, auth.ErrNotLoggedIn, 403, "nothing was changed"},
		{"fault", fields, errors.New("database is away"), 503, "nothing was changed"},
	} {
		changer.err = c.err
		for _, accept := range []string{htmlAccept, "application/json"} {
			res := s.do("POST", "/.auth/account/password", c.form, "Cookie", cookie, "Accept", accept)
			text := body(t, res)
			if res.StatusCode != c.status || !strings.Contains(text, c.want) || strings.Contains(text, "database") {
				t.Errorf("%s, %s: status %d, want %d and %q:\n%s", c.name, accept, res.StatusCode, c.status, c.want, text)
			}
		}
	}
	changer.err = nil
	res := s.do("POST", "/.auth/account/password", fields, "Cookie", cookie)
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/.auth/account?done=password" || !strings.Contains(res.Header.Get("Set-Cookie"), "sessionid=") {
		t.Errorf("changed: %d %v", res.StatusCode, res.Header)
	}
}

// changer changes passwords as it is told.
type changer struct {
	Auth
	err error
}

func (c *changer) ChangesPasswords(context.Context) (bool, error) { return true, nil }

func (c *changer) ChangePassword(context.Context, *sessionstore.Session, auth.PasswordChange) error {
	return c.err
}

func TestExpiredForm(t *testing.T) {
	s, _ := accountSite(t)
	cookie := s.login()
	s.do("POST", "/.auth/logout", "", "Cookie", cookie)
	for name, c := range map[string]struct{ cookie, want string }{"session ended": {cookie, "no longer logged in"}, "no cookie": {"", "does not keep cookies"}} {
		res := s.do("POST", "/.auth/account/end-others", "", "Cookie", c.cookie, "Accept", htmlAccept)
		wantStatus(t, res, http.StatusForbidden)
		if page := body(t, res); !strings.Contains(page, c.want) || !strings.Contains(page, `href="/.auth/login?next=%2F.auth%2Faccount"`) {
			t.Errorf("%s: the page lacks %q, or a way on:\n%s", name, c.want, page)
		}
	}
	page := body(t, s.do("GET", "/.auth/login", "", "Cookie", cookie, "Accept", htmlAccept))
	if !strings.Contains(page, "Your session has ended.") {
		t.Errorf("the login page does not say why:\n%s", page)
	}
}

// The loop is broken for the browser that has just logged in, and for nobody else.
func TestLoop(t *testing.T) {
	s := newSite(t, func(o *Options) {
		o.Setup = diagnosis.Setup{CookieName: "sessionid", CookiePath: "/", Secure: "auto", CookieAge: time.Hour}
	})
	const own = "https://app.example.com/.auth/login?next=%2F"
	cookie := s.login()
	for _, c := range []struct {
		name, target string
		header       []string
		loop         bool
	}{
		{"just logged in", "/.auth/login?next=%2F", []string{"Referer", own}, true},
		{"after the second step", "/.auth/login?next=%2F", []string{"Referer", "https://app.example.com/.auth/factor"}, true},
		{"its session is not known", "/.auth/login?next=%2F&ended=1", []string{"Referer", own}, true},
		{"first visit", "/.auth/login?next=%2F", nil, false},
		{"link of another page of ours", "/.auth/login?next=%2F", []string{"Referer", "https://app.example.com/"}, false},
		{"logged out from the login page", "/.auth/login", []string{"Referer", own}, false},
		{"another site says so", "/.auth/login?next=%2F", []string{"Referer", "https://evil.example/.auth/login"}, false},
		{"no address", "/.auth/login?next=%2F", []string{"Referer", "%"}, false},
		{"logged in", "/.auth/login?next=%2F", []string{"Referer", own, "Cookie", cookie}, false},
		{"a script", "/.auth/login?next=%2F", []string{"Referer", own, "Sec-Fetch-Mode", "cors"}, false},
	} {
		page := body(t, s.do("GET", c.target, "", append([]string{"Accept", htmlAccept}, c.header...)...))
		if got := strings.Contains(page, "Logging in does not hold"); got != c.loop {
			t.Errorf("%s: loop %v, want %v\n%s", c.name, got, c.loop, page)
		}
		if c.loop && strings.Contains(c.target, "ended") != strings.Contains(page, "its session is not known") {
			t.Errorf("%s: the page says\n%s", c.name, page)
		}
	}
}

func TestDescribeAgent(t *testing.T) {
	const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for header, want := range map[string]string{
		"": "Device not recorded", "x": "Unknown device", "Mozilla/5.0": "Unknown device", "curl/8.5.0": "curl", "SomeApp/1 (Android 16)": "Browser on Android",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                               "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/156.0.0.0 Safari/537.36":               "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + webkit + "Version/19.1 Safari/605.1.15":           "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) " + webkit + "CriOS/156.0 Mobile Safari/604.1": "Chrome on iPhone",
		"Mozilla/5.0 (Linux; Android 16; Pixel 11) " + webkit + "Chrome/156.0.0.0 Mobile Safari/537.36":        "Chrome on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/156.0.0.0 Safari/537.36":                "Chrome on ChromeOS",
		"<script>": "Unknown device", strings.Repeat("Windows", 1000): "Browser on Windows",
	} {
		if got := describeAgent(header).in(wording.English()); got != want {
			t.Errorf("%.80q: %q, want %q", header, got, want)
		}
	}
}
