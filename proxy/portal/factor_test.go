package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

// code is a factor in memory that everybody has.
type code string

func (code) Required(context.Context, auth.User) (bool, error) { return true, nil }

func (c code) Verify(_ context.Context, _ auth.User, answer string) error {
	if answer != string(c) {
		return auth.ErrInvalidCredentials
	}
	return nil
}

func newFactorSite(t *testing.T) *testSite {
	s := newSite(t)
	s.portal.opts.Auth = auth.NewService(auth.Options{Directory: s.users, Checker: s.users, Keys: signing.Keys{Secret: "k"},
		Sessions: sessionstore.Settings{CookieAge: s.portal.opts.CookieAge}, Factors: []auth.Factor{code("123456")}})
	return s
}

var pendingField = regexp.MustCompile(`name="pending" value="([^"]+)"`)

func TestFactorPage_6_3_3(t *testing.T) {
	s := newFactorSite(t)
	res := s.do("POST", "/.auth/login", form1+"&next=/reports", "Accept", htmlAccept)
	wantStatus(t, res, http.StatusOK)
	if set := res.Header["Set-Cookie"]; len(set) > 0 {
		t.Errorf("cookies between the steps: %q", set)
	}
	page := body(t, res)
	pending := pendingField.FindStringSubmatch(page)
	if pending == nil || !strings.Contains(page, `action="/.auth/factor"`) || !strings.Contains(page, `name="next" value="/reports"`) ||
		!strings.Contains(page, `autocomplete="one-time-code"`) || strings.Contains(page, "secret") {
		t.Fatalf("the second step's page:\n%s", page)
	}
	for _, c := range []struct {
		name, form string
		status     int
		says       string
	}{
		{"wrong code", "answer=1&pending=" + url.QueryEscape(pending[1]), http.StatusUnauthorized, "The code is wrong."},
		{"no code", "pending=" + url.QueryEscape(pending[1]), http.StatusBadRequest, "Enter the code."},
		{"another's token", "answer=123456&pending=x:y:z", http.StatusUnauthorized, "Log in once more."},
	} {
		res := s.do("POST", "/.auth/factor", c.form, "Accept", htmlAccept)
		if page := body(t, res); res.StatusCode != c.status || !strings.Contains(page, c.says) || len(res.Header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %s, cookies %q\n%s", c.name, res.Status, res.Header["Set-Cookie"], page)
		}
	}
	form := "answer=123456&next=/reports&pending=" + url.QueryEscape(pending[1])
	if res := s.do("POST", "/.auth/factor", form, "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", res.Status)
	}
	res = s.do("POST", "/.auth/factor", form)
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/reports" || s.username(cookie) != "alice" {
		t.Errorf("the right code: %s to %q, logged in as %q", res.Status, res.Header.Get("Location"), s.username(cookie))
	}
	if res := s.do("GET", "/.auth/factor", ""); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %s, Allow %q", res.Status, res.Header.Get("Allow"))
	}
}

func TestFactorJSON(t *testing.T) {
	s := newFactorSite(t)
	res := s.do("POST", "/.auth/login", form1, "Accept", "application/json")
	var step struct{ Pending, Action string }
	if err := json.Unmarshal([]byte(body(t, res)), &step); err != nil || res.StatusCode != http.StatusUnauthorized || step.Action != "/.auth/factor" {
		t.Fatalf("%s %+v %v", res.Status, step, err)
	}
	res = s.do("POST", step.Action, url.Values{"pending": {step.Pending}, "answer": {"123456"}}.Encode(), "Accept", "application/json")
	if got := body(t, res); res.StatusCode != http.StatusOK || !strings.Contains(got, `"username":"alice"`) {
		t.Errorf("%s %s", res.Status, got)
	}
}

var knownLine = regexp.MustCompile(`^coatcheck_known=[A-Z0-9]+:[A-Za-z0-9]+:[A-Za-z0-9_-]+; expires=[^;]+ GMT; HttpOnly; Max-Age=7776000; Path=/\.auth; SameSite=Lax(; Secure)?$`)

// TestKnownBrowser a login leaves its mark in the browser, by https a secure one; a failed one, and one on a shared computer, do not.
func TestKnownBrowser(t *testing.T) {
	s := newSite(t)
	known := func(form string) string {
		for _, line := range s.do("POST", "/.auth/login", form).Header["Set-Cookie"] {
			if strings.HasPrefix(line, "coatcheck_known") {
				return line
			}
		}
		return ""
	}
	if line := known(form1); !knownLine.MatchString(line) || !strings.HasSuffix(line, "; Secure") || strings.Contains(line, "alice") {
		t.Errorf("by https: %q", line)
	}
	if line := known(form1 + "&remember=off"); line != "" {
		t.Errorf("on a shared computer: %q", line)
	}
	if line := known("username=alice&password=wrong"); line != "" {
		t.Errorf("after a wrong password: %q", line)
	}
	s.facts.Secure = false
	if line := known(form1); !knownLine.MatchString(line) || strings.HasSuffix(line, "; Secure") {
		t.Errorf("by http: %q", line)
	}
}
