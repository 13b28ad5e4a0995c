package throttle_test

import (
	"net/netip"
	"testing"

	"coatcheck/auth/throttle"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// TestServers_J5 the same counts and the same limits on the servers that fleets share.
func TestServers_J5(t *testing.T) {
	for name, address := range map[string]func(testing.TB) string{"postgres": testenv.Postgres, "mariadb": testenv.MariaDB} {
		t.Run(name, func(t *testing.T) {
			url := address(t)
			var processes []*throttle.Throttle
			for range 4 {
				db, err := sqlconn.Open(url, sqlconn.Options{MaxConns: 4})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { db.Close() })
				processes = append(processes, start(t, db, &clock{noon}))
			}
			many := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
			passed, faults := storm(processes, 400, many)
			if passed > 20 || faults == 0 && passed != 20 {
				t.Errorf("%d attempts went on, %d could not be counted; limit 20", passed, faults)
			}
			th, home := processes[0], claim("bob", "198.51.100.1")
			fail(t, th, 5, home)
			if wait(t, th, home) == 0 {
				t.Error("no delay after five failures")
			}
			if err := th.Reset(background, "bob"); err != nil {
				t.Fatal(err)
			}
			fail(t, th, 1, home)
			if err := th.Succeeded(background, home); err != nil {
				t.Fatal(err)
			}
			fail(t, th, 1, home)
			if err := th.Withdraw(background, home); err != nil {
				t.Fatal(err)
			}
			fail(t, th, 5, home)
			if n, err := th.Clear(background); err != nil || n != 0 {
				t.Errorf("cleared %d, %v", n, err)
			}
		})
	}
}
