package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The security events are in a file of their own, at any log level, and follow its rotation.
func TestAuditLog_16_3(t *testing.T) {
	t.Parallel()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = "log: {level: error, audit: audit.log}\n"
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	file := filepath.Join(p.dir, "audit.log")
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	has := func(name, event string) func() bool {
		return func() bool {
			text, _ := os.ReadFile(name)
			return strings.Contains(string(text), `"event":"`+event+`"`)
		}
	}
	soon(t, "the login is in the audit log", has(file, "login_ok"))
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	if !p.reload() {
		t.Fatal("not loaded anew")
	}
	v.logout()
	soon(t, "the logout is in the new file", has(file, "logout"))
	if has(file+".1", "logout")() || has(file, "login_ok")() {
		t.Error("an event is in the file that it does not belong to")
	}
	if found := p.eventsNow("login_ok"); len(found) > 0 {
		t.Errorf("the log has the event, too: %v", found)
	}
	p.configure(strings.Replace(s.yaml(), "audit.log", "/nowhere/audit.log", 1))
	if p.reload() {
		t.Error("a file that cannot be opened was accepted")
	}
	soon(t, "the log names the key", func() bool { return strings.Contains(p.stderr.String(), "log.audit") })
}

// A disk without room: nobody gets in or out who could not be written down.
func TestAuditRequired_F32(t *testing.T) {
	t.Parallel()
	for name, required := range map[string]string{"required": "true", "not required": "false"} {
		t.Run(name, func(t *testing.T) {
			s := newSettings(t, engine{session: "db", hash: "md5"})
			o := newOutage(t, s)
			good, err := os.ReadFile(filepath.Join(o.p.dir, "config.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			o.p.configure(string(good) + "log: {audit: /dev/full, audit_required: " + required + "}\n")
			if !o.p.reload() {
				t.Fatal(o.p.stderr.String())
			}
			if required == "false" {
				newVisitor(t, o.p.URL).login("alice", userPassword)
				o.works()
				return
			}
			o.refused("the first login", func() answer {
				return newVisitor(t, o.p.URL).post("/.auth/login", url.Values{"username": {"alice"}, "password": {userPassword}})
			})
			if out, err := o.p.run("", "session", "list", "--config", "config.yaml"); err != nil || strings.Count(out, "alice") != 1 {
				t.Errorf("%v\n%s\nwant the one session of before", err, out)
			}
			o.closed()
			o.p.configure(string(good))
			if !o.p.reload() {
				t.Fatal(o.p.stderr.String())
			}
			o.works()
		})
	}
}
