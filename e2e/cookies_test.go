package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"

	"github.com/google/go-cmp/cmp"
)

// The same settings give the same cookie, byte for byte, whoever sets, resends or deletes it.
func TestCookieBytes(t *testing.T) {
	cheap := engine{session: "db", hash: "md5"}
	for name, c := range map[string]struct {
		django testenv.DjangoOptions
		proxy  []string
		cookie string // its name
	}{
		"defaults": {cookie: "sessionid"},
		"all but the defaults": {
			django: testenv.DjangoOptions{CookieAge: 90 * time.Minute, CookieName: "__Secure-ticket", Settings: map[string]any{
				"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_HTTPONLY": false, "SESSION_COOKIE_SAMESITE": "Strict",
				"SESSION_COOKIE_PATH": "/app/", "SESSION_COOKIE_DOMAIN": "example.test"}},
			proxy: []string{"cookie_age: 90m", "cookie_name: __Secure-ticket", "cookie_secure: true", "cookie_httponly: false",
				"cookie_samesite: Strict", "cookie_path: /app/", "cookie_domain: example.test"},
			cookie: "__Secure-ticket",
		},
		"browser close, each request": {
			django: testenv.DjangoOptions{ExpireAtBrowserClose: true, SaveEveryRequest: true, Settings: map[string]any{"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": true}},
			proxy:  []string{"expire_at_browser_close: true", "save_every_request: true", "cookie_samesite: None", "cookie_secure: true"},
			cookie: "sessionid",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, cheap, c.django, c.proxy...)
			user := h.user(t)
			atDjango, atProxy := newVisitor(t, h.site.URL), h.visitor(t)
			ours := atProxy.login(user, userPassword)
			theirs := atDjango.djangoLogin(user, userPassword)
			sameCookie(t, "login", theirs, ours)

			// By hand, since a jar sends no Secure cookie over http.
			cookieOf := func(res answer) string { return strings.SplitN(sessionLine(t, res.Response), ";", 2)[0] }
			ourCookie, theirCookie := cookieOf(ours), cookieOf(theirs)
			if !strings.HasPrefix(ourCookie, c.cookie+"=") {
				t.Errorf("the cookie is %s, want the name %s", ourCookie, c.cookie)
			}
			bare := newVisitor(t, h.proxy.URL)
			resend := func(base, path, cookie string) answer {
				return bare.do(bare.at(base).request(http.MethodGet, path, "", "Cookie", cookie))
			}
			ours, theirs = resend(h.proxy.URL, "/app", ourCookie), resend(h.site.URL, "/anonymous", theirCookie)
			if c.django.SaveEveryRequest {
				sameCookie(t, "resent with each request", theirs, ours)
				through := resend(h.proxy.URL, "/anonymous", ourCookie)
				sameCookie(t, "resent by Django behind the proxy", theirs, through)
			} else if got := append(ours.Header["Set-Cookie"], theirs.Header["Set-Cookie"]...); len(got) > 0 {
				t.Errorf("cookies of requests that changed nothing: %q", got)
			}

			out := bare.request(http.MethodPost, "/.auth/logout", "", "Cookie", ourCookie, "Origin", h.proxy.URL, "Sec-Fetch-Site", "same-origin")
			ours, theirs = bare.do(out), resend(h.site.URL, "/logout", theirCookie)
			if diff := cmp.Diff(sessionLine(t, theirs.Response), sessionLine(t, ours.Response)); diff != "" {
				t.Errorf("the line that deletes the cookie, Django's (-) and ours (+):\n%s", diff)
			}
		})
	}
}

var cookieDate = regexp.MustCompile(`expires=([^;]*)`)

// sameCookie compares the lines but for the key and the moment; of that it checks form and distance.
func sameCookie(t *testing.T, when string, theirs, ours answer) {
	t.Helper()
	var lines [2]string
	var ends [2]time.Time
	for i, res := range []answer{theirs, ours} {
		name, rest, _ := strings.Cut(sessionLine(t, res.Response), "=")
		_, attributes, _ := strings.Cut(rest, ";")
		lines[i] = name + "=KEY;" + cookieDate.ReplaceAllString(attributes, "expires=DATE")
		if m := cookieDate.FindStringSubmatch(attributes); m != nil {
			end, err := time.Parse(http.TimeFormat, m[1])
			if err != nil {
				t.Errorf("%s: %v", when, err)
			}
			ends[i] = end
		}
	}
	if diff := cmp.Diff(lines[0], lines[1]); diff != "" {
		t.Errorf("%s: Django's cookie (-) and ours (+):\n%s", when, diff)
	}
	if apart := ends[0].Sub(ends[1]).Abs(); apart > time.Minute {
		t.Errorf("%s: Django's cookie and ours end %v apart", when, apart)
	}
}

// With expire_at_browser_close, "remember me" is the way to a cookie that stays.
func TestRememberMe(t *testing.T) {
	t.Parallel()
	h := newHouse(t, engine{session: "db", hash: "md5"}, testenv.DjangoOptions{ExpireAtBrowserClose: true}, "expire_at_browser_close: true")
	name := h.user(t)
	v := h.visitor(t)
	for wish, want := range map[string]bool{"": false, "off": false, "on": true} {
		form := url.Values{"username": {name}, "password": {userPassword}}
		if wish != "" {
			form.Set("remember", wish)
		}
		for when, res := range map[string]answer{"login": v.post("/.auth/login", form), "Django's write": v.must("/set/a/b")} {
			line := sessionLine(t, res.Response)
			if got := strings.Contains(line, "; Max-Age=1209600; "); got != want {
				t.Errorf("remember=%q, %s: stays %t, want %t: %s", wish, when, got, want, line)
			}
		}
	}
}
