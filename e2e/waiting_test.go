package e2e

import (
	"net/http"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// store is a server without which nobody can be let in, and the settings of a proxy that uses it.
type store struct {
	*testenv.Server
	settings settings
}

// stores are the servers that sessions are on. A new server each time: the tests stop them.
func stores() map[string]func(testing.TB) store {
	database := func(start func(testing.TB) *testenv.DatabaseServer) func(testing.TB) store {
		return func(t testing.TB) store {
			server := start(t)
			s := newSettings(t, engine{session: "db"})
			s.database = server.URL
			return store{server.Server, s}
		}
	}
	return map[string]func(testing.TB) store{
		"PostgreSQL": database(testenv.PostgresServer),
		"MariaDB":    database(testenv.MariaDBServer),
		"Redis": func(t testing.TB) store {
			server := testenv.Redis(t)
			return store{server.Server, newSettings(t, engine{session: "cache", cache: func(testing.TB) string { return server.URL }})}
		},
		"memcached": func(t testing.TB) store {
			server := testenv.Memcached(t)
			return store{server.Server, newSettings(t, engine{session: "cache", cache: func(testing.TB) string { return server.URL }})}
		},
	}
}

// The proxy starts without its store, serves what is public, and is ready within seconds of the store's arrival (F01).
func TestStartsBeforeItsStore_F01(t *testing.T) {
	for name, start := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			startsBefore(t, start(t))
		})
	}
}

func startsBefore(t *testing.T, store store) {
	store.Stop()
	app := newEcho(t)
	s := store.settings
	s.extra = "first_user: true\nroutes:\n  - {path: /, upstream: " + app.URL + "}\n  - {path: /public, access: public, upstream: " + app.URL + "}\n"
	p := serve(t, serveOptions{Config: s.yaml()})
	v := newVisitor(t, p.URL)
	res := v.do(v.request("GET", "/", "", "Cookie", "sessionid=0123456789abcdefghijklmnopqrstuv"))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("protected: got %s, Retry-After %q, Set-Cookie %q; want 503, seconds, none", res.Status, res.Header.Get("Retry-After"), res.Header.Get("Set-Cookie"))
	}
	if res := v.get("/public"); res.StatusCode != http.StatusOK {
		t.Errorf("public: got %s, want 200", res.Status)
	}
	if res := newVisitor(t, p.Admin).get("/readyz"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: got %s, want 503", res.Status)
	}

	store.Start()
	for deadline := time.Now().Add(30 * time.Second); newVisitor(t, p.Admin).get("/readyz").StatusCode != http.StatusOK || p.stdout.String() == ""; {
		if time.Now().After(deadline) {
			t.Fatalf("not ready after the store came")
		}
		time.Sleep(50 * time.Millisecond)
	}
	v.login("admin", p.firstPassword())
	if res := v.fetch("/"); res.StatusCode != http.StatusOK {
		t.Errorf("after the login: got %s, want 200", res.Status)
	}
}

// A store that answers nothing closes the door within 3 s, and it is open again within 5 s of the store's return (F02).
func TestFrozenStore_F02(t *testing.T) {
	for name, start := range stores() {
		if name == "PostgreSQL" || name == "MariaDB" { // several processes: TestServerOutage swallows what they are sent
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := start(t)
			o := newOutage(t, store.settings)
			store.Pause()
			o.closed()
			store.Resume()
			soon(t, "the store answers", func() bool { return o.v.fetch("/").StatusCode != http.StatusServiceUnavailable })
			if o.v.fetch("/").StatusCode == http.StatusUnauthorized { // it did carry out the logout, for which nobody waited
				o.v.login("alice", userPassword)
			}
			o.works()
		})
	}
}

// A cache in front of the rows may answer nothing: the rows do the work (F02, F08).
func TestFrozenCacheOfRows_F08(t *testing.T) {
	for name, start := range stores() {
		if name == "PostgreSQL" || name == "MariaDB" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := start(t)
			store.settings.engine.session = "cached_db"
			o := newOutage(t, store.settings)
			store.Pause()
			for _, when := range []string{"at first", "again"} {
				begin := time.Now()
				if res := o.v.fetch("/"); res.StatusCode != http.StatusOK || time.Since(begin) > 3*time.Second {
					t.Errorf("with a frozen cache, %s: %s after %v, want 200 within 3 s", when, res.Status, time.Since(begin))
				}
			}
			cookie := o.v.cookie("sessionid")
			o.v.logout()
			store.Resume()
			if res := visitorWith(t, o.p.URL, cookie).fetch("/"); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("after a logout while the cache was frozen: %s, want 401", res.Status)
			}
		})
	}
}
