package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/throttle"
	"coatcheck/internal/sqlconn"
)

var background = context.Background()

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time       { return c.t }
func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func openDB(tb testing.TB, path string) *sqlconn.DB {
	tb.Helper()
	db, err := sqlconn.Open("sqlite:"+path, sqlconn.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func start(tb testing.TB, db *sqlconn.DB, c *clock) *throttle.Throttle {
	tb.Helper()
	t := throttle.New(db, throttle.Options{MaxAttempts: 5, Secret: "secret", Now: c.now})
	if err := t.CreateTable(background); err != nil {
		tb.Fatal(err)
	}
	return t
}

func fresh(tb testing.TB) (*throttle.Throttle, *clock) {
	c := &clock{noon}
	return start(tb, openDB(tb, filepath.Join(tb.TempDir(), "t.sqlite3")), c), c
}

func claim(login, client string) auth.Claim {
	return auth.Claim{Login: login, Client: netip.MustParseAddr(client)}
}

// wait is how long the throttle makes the attempt wait; 0 when it was let go on, and counted.
func wait(tb testing.TB, t *throttle.Throttle, c auth.Claim) time.Duration {
	tb.Helper()
	err := t.Begin(background, c)
	var throttled *auth.ThrottledError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &throttled) && throttled.RetryAfter > 0:
		return throttled.RetryAfter
	}
	tb.Fatal(err)
	return 0
}

// fail makes n attempts and expects all of them to go on.
func fail(tb testing.TB, t *throttle.Throttle, n int, c auth.Claim) {
	tb.Helper()
	for i := range n {
		if w := wait(tb, t, c); w != 0 {
			tb.Fatalf("attempt %d of %v has to wait %v", i+1, c, w)
		}
	}
}

func TestBegin_growingDelays_6_3_1(t *testing.T) {
	th, c := fresh(t)
	alice := claim("alice", "192.0.2.1")
	fail(t, th, 5, alice)
	for _, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second} {
		if got := wait(t, th, alice); got != want {
			t.Errorf("wait %v, want %v", got, want)
		}
		if got := wait(t, th, alice); got != want {
			t.Errorf("an attempt that was refused made it %v", got)
		}
		c.pass(want)
		fail(t, th, 1, alice)
	}
	fail(t, th, 1, claim("alice", "192.0.2.2"))
	fail(t, th, 1, claim("bob", "192.0.2.1"))
}

func TestBegin_canonicalAccount(t *testing.T) {
	th, _ := fresh(t)
	for _, spelling := range []string{"alice", "ALICE", "àlice", "ａlice", "alice "} {
		fail(t, th, 1, claim(spelling, "192.0.2.1"))
	}
	if wait(t, th, claim("Alicé", "192.0.2.1")) == 0 {
		t.Error("a sixth spelling has a budget of its own")
	}
}

func TestBegin_addresses_2_4_1(t *testing.T) {
	th, _ := fresh(t)
	for i := range 5 {
		fail(t, th, 1, claim("alice", fmt.Sprintf("2001:db8:1:2::%x", i)))
	}
	if wait(t, th, claim("alice", "2001:db8:1:2:ffff::")) == 0 {
		t.Error("another address of the same /64 has a budget of its own")
	}
	fail(t, th, 1, claim("alice", "2001:db8:1:3::"))
	fail(t, th, 5, claim("bob", "192.0.2.1"))
	if wait(t, th, claim("bob", "::ffff:192.0.2.1")) == 0 {
		t.Error("the same IPv4 address in IPv6 form has a budget of its own")
	}
	fail(t, th, 5, auth.Claim{Login: "carol"})
	if wait(t, th, auth.Claim{Login: "carol"}) == 0 {
		t.Error("no address has no limit")
	}
}

// TestBegin_spraying_2_4_1 one address cannot try one password on everybody.
func TestBegin_spraying_2_4_1(t *testing.T) {
	th, c := fresh(t)
	for i := range 100 {
		fail(t, th, 1, claim(fmt.Sprint("user", i), "192.0.2.1"))
	}
	w := wait(t, th, claim("user100", "192.0.2.1"))
	if w == 0 {
		t.Fatal("no limit")
	}
	fail(t, th, 1, claim("user100", "192.0.2.2"))
	c.pass(w)
	fail(t, th, 1, claim("user100", "192.0.2.1"))
}

func TestSucceeded_resets(t *testing.T) {
	th, _ := fresh(t)
	alice := claim("alice", "192.0.2.1")
	for range 40 { // a user who mistypes every second time is never slowed down
		fail(t, th, 4, alice)
		fail(t, th, 1, alice)
		if err := th.Succeeded(background, alice); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWithdraw(t *testing.T) {
	th, _ := fresh(t)
	alice := claim("alice", "192.0.2.1")
	for range 300 {
		fail(t, th, 1, alice)
		if err := th.Withdraw(background, alice); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLockout_6_1_1 strangers without number cannot lock out or slow down an owner who comes from where they logged in before.
func TestLockout_6_1_1(t *testing.T) {
	th, c := fresh(t)
	home := claim("alice", "198.51.100.1")
	fail(t, th, 1, home)
	if err := th.Succeeded(background, home); err != nil {
		t.Fatal(err)
	}
	failures := attack(t, th, c, 30*24*time.Hour)
	if failures > 90 {
		t.Errorf("N4: strangers made %d attempts", failures)
	}
	fail(t, th, 1, home)
	if err := th.Succeeded(background, home); err != nil {
		t.Fatal(err)
	}
	fail(t, th, 1, claim("alice", "203.0.113.9"))
}

// attack tries one account from ever new addresses, as soon as it may, and returns how many attempts went on.
func attack(t *testing.T, th *throttle.Throttle, c *clock, span time.Duration) (failures int) {
	t.Helper()
	for i, end := 0, c.t.Add(span); c.t.Before(end); i++ {
		address := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		switch w := wait(t, th, auth.Claim{Login: "alice", Client: address}); w {
		case 0:
			failures++
		default:
			c.pass(w)
		}
	}
	return failures
}

// TestAccountLimit_N4 at most 100 failures in a row, over restarts, from strangers and known addresses together.
func TestAccountLimit_N4(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.sqlite3")
	c := &clock{noon}
	th := start(t, openDB(t, path), c)
	home := claim("alice", "198.51.100.1")
	fail(t, th, 1, home)
	if err := th.Succeeded(background, home); err != nil {
		t.Fatal(err)
	}
	failures := attack(t, th, c, 10*24*time.Hour)
	restarted := start(t, openDB(t, path), c)
	failures += attack(t, restarted, c, 10*24*time.Hour)
	for range 200 {
		if w := wait(t, restarted, home); w > 0 {
			c.pass(w)
			continue
		}
		failures++
	}
	if failures != 100 {
		t.Errorf("%d failures in a row, want exactly the 100 that are allowed", failures)
	}
	if _, err := restarted.Clear(background); err != nil {
		t.Fatal(err)
	}
	c.pass(300 * 24 * time.Hour)
	if wait(t, restarted, claim("alice", "203.0.113.1")) == 0 {
		t.Error("forgotten")
	}
	if err := restarted.Reset(background, "Alice"); err != nil {
		t.Fatal(err)
	}
	fail(t, restarted, 5, claim("alice", "203.0.113.1"))
}

// TestParallel_J5 however many attempts run at once in however many processes, the limit is the limit.
func TestParallel_J5(t *testing.T) {
	for name, c := range map[string]struct {
		address func(i int) netip.Addr
		limit   int64
	}{
		"one address":    {func(int) netip.Addr { return netip.MustParseAddr("192.0.2.1") }, 5},
		"many addresses": {func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "t.sqlite3")
			var processes []*throttle.Throttle
			for range 10 {
				processes = append(processes, start(t, openDB(t, path), &clock{noon}))
			}
			passed, faults := storm(processes, 1000, c.address)
			if passed > c.limit || faults == 0 && passed != c.limit {
				t.Errorf("%d attempts went on, %d could not be counted; limit %d", passed, faults, c.limit)
			}
		})
	}
}

// storm makes attempts on one account in parallel. A fault keeps out, so it is no loss.
func storm(processes []*throttle.Throttle, attempts int, address func(int) netip.Addr) (passed, faults int64) {
	var began, failed atomic.Int64
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() {
			err := processes[i%len(processes)].Begin(background, auth.Claim{Login: "alice", Client: address(i)})
			var throttled *auth.ThrottledError
			switch {
			case err == nil:
				began.Add(1)
			case !errors.As(err, &throttled):
				failed.Add(1)
			}
		})
	}
	all.Wait()
	return began.Load(), failed.Load()
}

func TestClear(t *testing.T) {
	th, c := fresh(t)
	home := claim("alice", "192.0.2.1")
	fail(t, th, 1, home)
	if err := th.Succeeded(background, home); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		fail(t, th, 1, claim(fmt.Sprint("user", i), fmt.Sprintf("192.0.2.%d", i%5+1)))
	}
	clear := func(want int64) {
		t.Helper()
		if n, err := th.Clear(background); err != nil || n != want {
			t.Errorf("cleared %d, %v; want %d", n, err, want)
		}
	}
	clear(0)
	c.pass(21 * time.Minute)
	clear(6) // the addresses and the whole
	c.pass(25 * time.Hour)
	clear(300) // the pairs; alice's is known
	c.pass(30 * 24 * time.Hour)
	clear(301)
	c.pass(90 * 24 * time.Hour)
	clear(1)
}

// TestFaults_16_5 a throttle that cannot be asked lets nobody go on.
func TestFaults_16_5(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "t.sqlite3"))
	th := throttle.New(db, throttle.Options{MaxAttempts: 5, Secret: "secret"})
	var throttled *auth.ThrottledError
	if err := th.Begin(background, claim("alice", "192.0.2.1")); err == nil || errors.As(err, &throttled) {
		t.Errorf("without its table: %v", err)
	}
	cancelled, cancel := context.WithCancel(background)
	cancel()
	if err := th.CreateTable(background); err != nil {
		t.Fatal(err)
	}
	if err := th.Begin(cancelled, claim("alice", "192.0.2.1")); err == nil || errors.As(err, &throttled) {
		t.Errorf("cancelled: %v", err)
	}
	db.Close()
	for name, err := range map[string]error{
		"begin": th.Begin(background, claim("a", "192.0.2.1")), "succeeded": th.Succeeded(background, claim("a", "192.0.2.1")),
		"withdraw": th.Withdraw(background, claim("a", "192.0.2.1")), "reset": th.Reset(background, "a"),
	} {
		if err == nil || errors.As(err, &throttled) {
			t.Errorf("%s with the database closed: %v", name, err)
		}
	}
}

func TestOff(t *testing.T) {
	th := throttle.New(openDB(t, filepath.Join(t.TempDir(), "t.sqlite3")), throttle.Options{}) // there is no table
	for range 1000 {
		if err := errors.Join(th.Begin(background, claim("a", "192.0.2.1")), th.Succeeded(background, claim("a", "192.0.2.1")), th.Withdraw(background, claim("a", "192.0.2.1"))); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTable_names nothing in the table tells who tried to log in from where.
func TestTable_names(t *testing.T) {
	db := openDB(t, filepath.Join(t.TempDir(), "t.sqlite3"))
	fail(t, start(t, db, &clock{noon}), 1, claim("alice", "192.0.2.1"))
	var all string
	if err := db.QueryRow("SELECT group_concat(id) FROM coatcheck_throttle").Scan(&all); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(all, "alice") || strings.Contains(all, "192") || strings.Count(all, ",") != 3 {
		t.Errorf("ids %s", all)
	}
}

func BenchmarkBegin(b *testing.B) {
	th, _ := fresh(b)
	alice := claim("alice", "192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		if err := errors.Join(th.Begin(background, alice), th.Succeeded(background, alice)); err != nil {
			b.Fatal(err)
		}
	}
}

// A locked database makes everybody wait once, not one after the other.
func TestBegin_lockedDatabase_F17(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the database's lock")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "t.sqlite3")
	th := start(t, openDB(t, path), &clock{noon})
	other, err := openDB(t, path).BeginTx(background, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.ExecContext(background, "UPDATE coatcheck_throttle SET failures = 0"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(background, 5*time.Second) // a queue of 20 by fours would take 10 s
	defer cancel()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			var throttled *auth.ThrottledError
			if err := th.Begin(ctx, claim(fmt.Sprint("user", i), "192.0.2.1")); err == nil || errors.As(err, &throttled) {
				t.Errorf("attempt %d: %v, want a fault", i, err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		t.Error("somebody waited longer than 5 s")
	}
}
