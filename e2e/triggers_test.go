package e2e

import (
	"net/http"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// TestTriggersOfADjango: a Django's PostgreSQL tells of nothing unless it was asked to: then what Django ends is heard.
func TestTriggersOfADjango(t *testing.T) {
	for name, on := range map[string]bool{"auto": false, "on": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, engine{session: "db", database: testenv.Postgres, hash: "md5"}, testenv.DjangoOptions{})
			p := serve(t, serveOptions{Config: h.yaml(), Env: []string{"COATCHECK_DATABASE_TRIGGERS=" + name}})
			user := h.user(t)
			v := newVisitor(t, p.URL)
			v.login(user, userPassword)
			heard := func() bool { return p.metrics()[`coatcheck_feed_heard{of="sessions"}`] == 1 }
			if on {
				soon(t, "the sessions' triggers are heard", heard)
				v.get("/app")
				soon(t, "the session comes from memory", func() bool {
					v.get("/app")
					return p.metrics()[`coatcheck_near_cache_requests_total{of="sessions",result="hit"}`] > 0
				})
			} else {
				time.Sleep(1500 * time.Millisecond) // more than a beat
				if v.get("/app"); heard() {
					t.Error("triggers were made on a Django's tables without being asked for")
				}
			}
			cookie := v.cookie("sessionid")
			v.at(h.site.URL).must("/logout")
			soon(t, "Django's logout is known", func() bool { return visitorWith(t, p.URL, cookie).fetch("/app").StatusCode == http.StatusUnauthorized })
		})
	}
}
