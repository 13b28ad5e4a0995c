package throttle_test

import (
	"fmt"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// TestKnownBrowser_6_1_1 an owner with the usual browser is neither locked out nor slowed down by strangers, not even by those at the
// same address, and is no way around the limit of the account.
func TestKnownBrowser_6_1_1(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite":   func(tb testing.TB) string { return "sqlite:" + tb.TempDir() + "/t.sqlite3" },
		"postgres": testenv.Postgres, "mariadb": testenv.MariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sqlconn.Open(database(t), sqlconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			c := &clock{noon}
			th := start(t, db, c)
			home := claim("alice", "192.0.2.1")
			fail(t, th, 1, home)
			owner := home
			owner.Browser = "laptop"
			if err := th.Succeeded(background, owner); err != nil {
				t.Fatal(err)
			}
			fail(t, th, 5, home)
			if wait(t, th, home) == 0 {
				t.Error("the address is not slowed down")
			}
			fail(t, th, 5, owner)
			if wait(t, th, owner) == 0 {
				t.Error("the browser's own failures are not counted")
			}
			if err := th.Succeeded(background, owner); err != nil { // after the wait
				t.Fatal(err)
			}
			abroad := claim("alice", "203.0.113.200")
			abroad.Browser = "laptop"
			for i := range 90 {
				c.pass(time.Hour)
				fail(t, th, 1, claim("alice", fmt.Sprintf("203.0.113.%d", i)))
			}
			if wait(t, th, claim("alice", "203.0.113.91")) == 0 {
				t.Error("a stranger may try a 91st time")
			}
			other := claim("alice", "203.0.113.91")
			other.Browser = "never logged in"
			if wait(t, th, other) == 0 {
				t.Error("a browser without a login counts as known")
			}
			for range 10 {
				c.pass(time.Hour)
				fail(t, th, 1, abroad)
			}
			c.pass(time.Hour)
			if wait(t, th, abroad) == 0 {
				t.Error("N4 the browser is a way around the 100")
			}
		})
	}
}
