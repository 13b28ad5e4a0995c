package e2e

import (
	"net/http"
	"testing"
)

// F13, F14: what was acknowledged is kept. The proxy is killed right after the answer to a login, and after that to a logout.
func TestCrash(t *testing.T) {
	const rounds = 5
	for _, e := range engines() {
		if e.database != nil || e.cookie { // other programs keep those
			continue
		}
		t.Run("F13 F14 "+e.name, func(t *testing.T) {
			t.Parallel()
			s := newSettings(t, e.cheap())
			p := serve(t, serveOptions{Config: s.yaml()})
			p.addUser("alice")
			restart := func(v *visitor) {
				p.kill()
				p = serve(t, serveOptions{Config: s.yaml()})
				v.base = p.URL
			}
			for round := range rounds {
				v := newVisitor(t, p.URL)
				v.login("alice", userPassword)
				restart(v)
				if res := v.fetch("/"); res.StatusCode != http.StatusOK {
					t.Fatalf("round %d: an acknowledged login is lost: %s", round, res.Status)
				}
				cookie := v.cookie("sessionid")
				v.logout()
				restart(v)
				if res := visitorWith(t, p.URL, cookie).fetch("/"); res.StatusCode != http.StatusUnauthorized {
					t.Fatalf("round %d: an acknowledged logout is undone: %s", round, res.Status)
				}
			}
		})
	}
}
