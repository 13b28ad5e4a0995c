package e2e

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// Bad input gets its own answer; none of it ends the process or lets anyone in.
func TestBadInput(t *testing.T) {
	p := serve(t, serveOptions{})
	secret := p.firstPassword()
	database := filepath.Join(p.dir, "coatcheck-data", "coatcheck.sqlite3")

	t.Run("login forms", func(t *testing.T) { badForms(t, p, secret) })

	t.Run("unknown session key", func(t *testing.T) {
		v := newVisitor(t, p.URL)
		res := v.do(v.request("GET", "/", "", "Cookie", "sessionid=0123456789abcdefghijklmnopqrstuv"))
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s, want 401", res.Status)
		}
		if got := res.Header.Get("Set-Cookie"); !strings.HasPrefix(got, `sessionid="";`) {
			t.Errorf("Set-Cookie: got %q, want the deletion", got)
		}
	})
	t.Run("a presented key is never adopted 7.2.4", func(t *testing.T) {
		v := newVisitor(t, p.URL)
		const planted = "0123456789abcdefghijklmnopqrstuv"
		form := url.Values{"username": {"admin"}, "password": {secret}}.Encode()
		res := v.do(v.request("POST", "/.auth/login", form, "Cookie", "sessionid="+planted, "Content-Type", "application/x-www-form-urlencoded"))
		if res.StatusCode != http.StatusSeeOther {
			t.Fatalf("login: got %s", res.Status)
		}
		if got := v.cookie("sessionid"); got == planted || len(got) != 32 {
			t.Errorf("session key after login: got %q, want a fresh one", got)
		}
	})

	signedIn := func(t *testing.T) *visitor {
		v := newVisitor(t, p.URL)
		v.login("admin", secret)
		return v
	}
	t.Run("tampered row", func(t *testing.T) {
		v := signedIn(t)
		key := v.cookie("sessionid")
		sql(t, database, "UPDATE django_session SET session_data = 'x' || session_data WHERE session_key = ?", key)
		res := v.fetch("/")
		if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("got %s with Set-Cookie %q; want 401 and the cookie left alone", res.Status, res.Header.Get("Set-Cookie"))
		}
		if len(p.events("session_refused")) == 0 {
			t.Error("no security event session_refused")
		}
		if strings.Contains(p.stderr.String(), key) {
			t.Error("the log holds the session key")
		}
		sql(t, database, "UPDATE django_session SET session_data = substr(session_data, 2) WHERE session_key = ?", key)
		if res := v.fetch("/"); res.StatusCode != http.StatusOK {
			t.Errorf("after the row was mended: got %s, want 200", res.Status)
		}
	})
	t.Run("expired row", func(t *testing.T) {
		v := signedIn(t)
		sql(t, database, "UPDATE django_session SET expire_date = '2020-01-01 00:00:00' WHERE session_key = ?", v.cookie("sessionid"))
		if res := v.fetch("/"); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s, want 401", res.Status)
		}
		out, err := p.run("", "session", "clear")
		if err != nil || out != "removed 1 expired\n" {
			t.Errorf("session clear: got %q, %v", out, err)
		}
	})
	t.Run("disabled user 7.4.2", func(t *testing.T) {
		v := signedIn(t)
		if out, err := p.run("", "user", "disable", "admin"); err != nil {
			t.Fatal(out)
		}
		if res := v.fetch("/"); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s, want 401", res.Status)
		}
		if out, err := p.run("", "user", "enable", "admin"); err != nil {
			t.Fatal(out)
		}
		if res := v.fetch("/"); res.StatusCode != http.StatusOK {
			t.Errorf("after enabling: got %s, want 200 (Django revives the session, too)", res.Status)
		}
	})
	t.Run("ended by the operator 7.4.3", func(t *testing.T) {
		v := signedIn(t)
		out, err := p.run("", "session", "delete", "--user", "admin")
		if err != nil || !strings.HasPrefix(out, "ended ") {
			t.Fatalf("%q %v", out, err)
		}
		if res := v.fetch("/"); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("got %s, want 401", res.Status)
		}
	})

	if res := newVisitor(t, p.URL).get("/.auth/login"); res.StatusCode != http.StatusOK {
		t.Errorf("after all that the login page is %s", res.Status)
	}
}

func badForms(t *testing.T, p *process, secret string) {
	const form = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		body, contentType string
		want              int
	}{
		"wrong password":        {"username=admin&password=wrong", form, http.StatusUnauthorized},
		"unknown user":          {"username=nobody&password=wrong", form, http.StatusUnauthorized},
		"empty password":        {"username=admin&password=", form, http.StatusBadRequest},
		"no fields":             {"", form, http.StatusBadRequest},
		"huge password":         {"username=admin&password=" + strings.Repeat("x", 5000), form, http.StatusUnauthorized},
		"huge body":             {"username=admin&password=" + strings.Repeat("x", 1<<20), form, http.StatusRequestEntityTooLarge},
		"two passwords":         {"username=admin&password=" + secret + "&password=x", form, http.StatusBadRequest},
		"not UTF-8":             {"username=adm%ffin&password=x", form, http.StatusBadRequest},
		"broken escapes":        {"username=%zz&password=x", form, http.StatusBadRequest},
		"NUL in the name":       {"username=admin%00&password=x", form, http.StatusUnauthorized},
		"text/plain":            {"username=admin&password=" + secret, "text/plain", http.StatusUnsupportedMediaType},
		"JSON":                  {`{"username":"admin"}`, "application/json", http.StatusUnsupportedMediaType},
		"next of another host":  {"username=admin&password=wrong&next=//evil.example", form, http.StatusUnauthorized},
		"ten thousand of names": {strings.Repeat("a=1&", 10000), form, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisitor(t, p.URL)
			res := v.do(v.request("POST", "/.auth/login", c.body, "Content-Type", c.contentType, "Accept", "text/html"))
			if res.StatusCode != c.want {
				t.Errorf("got %s, want %d\n%s", res.Status, c.want, res.Text)
			}
			if v.cookie("sessionid") != "" {
				t.Error("a session cookie was set")
			}
			if strings.Contains(p.stderr.String(), secret) {
				t.Error("the log holds the password")
			}
		})
	}
}
