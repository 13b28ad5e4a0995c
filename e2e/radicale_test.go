package e2e

import (
	"net/http"
	"strings"
	"testing"

	"coatcheck/internal/testenv"
)

const calendarEntry = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:tea-party\r\nDTSTAMP:20260101T000000Z\r\n" +
	"DTSTART:20260504T150000Z\r\nSUMMARY:Tea party\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

// Radicale has never heard of us: it believes X-Remote-User, as its documentation says, and lets users see their own calendars only.
func TestRadicale(t *testing.T) {
	t.Parallel()
	site := testenv.Radicale(t, testenv.RadicaleOptions{})
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = strings.Replace(guide(t, "radicale.md")["yaml"][0], "http://127.0.0.1:5232", site.URL, 1)
	p := serve(t, serveOptions{Config: s.yaml()})
	for _, name := range []string{"alice", "bob"} {
		p.addUser(name)
	}
	alice, bob, nobody := newVisitor(t, p.URL), newVisitor(t, p.URL), newVisitor(t, p.URL)
	alice.login("alice", userPassword)
	bob.login("bob", userPassword)
	dav := func(v *visitor, method, path, body string, header ...string) answer {
		t.Helper()
		return v.do(v.request(method, path, body, append([]string{"Content-Type", "text/calendar"}, header...)...))
	}

	if res := dav(alice, "MKCALENDAR", "/alice/tea/", ""); res.StatusCode != http.StatusCreated {
		t.Fatalf("MKCALENDAR: %s\n%s", res.Status, res.Text)
	}
	if res := dav(alice, http.MethodPut, "/alice/tea/party.ics", calendarEntry); res.StatusCode != http.StatusCreated {
		t.Fatalf("PUT: %s\n%s", res.Status, res.Text)
	}
	if res := dav(alice, http.MethodGet, "/alice/tea/party.ics", ""); res.StatusCode != http.StatusOK || !strings.Contains(res.Text, "SUMMARY:Tea party") {
		t.Errorf("GET: %s\n%s", res.Status, res.Text)
	}
	if res := dav(alice, "PROPFIND", "/alice/tea/", "", "Depth", "1"); res.StatusCode != http.StatusMultiStatus || !strings.Contains(res.Text, "party.ics") {
		t.Errorf("PROPFIND: %s\n%s", res.Status, res.Text)
	}
	if res := dav(nobody, http.MethodGet, "/alice/tea/party.ics", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET by nobody: %s, want 401", res.Status)
	}
	if res := dav(bob, http.MethodGet, "/alice/tea/party.ics", ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("GET by another user: %s, want 403", res.Status)
	}
	for _, spelling := range []string{"X-Remote-User", "x-remote-user", "X_REMOTE_USER", "X-Remote_User", "x_Remote-user"} {
		t.Run("4.1.3 client-sent "+spelling, func(t *testing.T) {
			for who, v := range map[string]*visitor{"nobody": nobody, "bob": bob} {
				req := v.request(http.MethodGet, "/alice/tea/party.ics", "")
				req.Header[spelling] = []string{"alice"}
				if res := v.do(req); res.StatusCode == http.StatusOK {
					t.Errorf("%s read alice's calendar", who)
				}
				req = v.request(http.MethodDelete, "/alice/tea/party.ics", "")
				req.Header[spelling] = []string{"alice"}
				if res := v.do(req); res.StatusCode < http.StatusBadRequest {
					t.Errorf("%s deleted from alice's calendar: %s", who, res.Status)
				}
			}
		})
	}
	if res := dav(alice, http.MethodDelete, "/alice/tea/party.ics", ""); res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %s\n%s", res.Status, res.Text)
	}
	program := newVisitor(t, p.URL)
	req := program.request("PROPFIND", "/alice/tea/", "", "Depth", "1")
	req.SetBasicAuth("alice", userPassword)
	if res := program.do(req); res.StatusCode != http.StatusMultiStatus || program.cookie("sessionid") != "" {
		t.Errorf("PROPFIND by a program with a password: %s, cookie %q", res.Status, program.cookie("sessionid"))
	}
	alice.logout()
	if res := dav(alice, http.MethodGet, "/alice/tea/", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET after the logout: %s, want 401", res.Status)
	}
}
