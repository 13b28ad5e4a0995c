package throttle_test

import (
	"testing"
	"time"

	"coatcheck/auth/throttle"
)

// noon begins a window.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(failures int, d time.Duration) throttle.Count {
	return throttle.Count{Failures: failures, Last: noon.Add(-d)}
}

func TestPolicy_2_4_1(t *testing.T) {
	cases := []struct {
		name  string
		state throttle.State
		want  time.Duration
	}{
		{"nothing yet", throttle.State{}, 0},
		{"four of this address", throttle.State{Pair: ago(4, 0), Account: ago(4, 0)}, 0},
		{"five", throttle.State{Pair: ago(5, 0), Account: ago(5, 0)}, 5 * time.Second},
		{"five, part of the delay is over", throttle.State{Pair: ago(5, 3200*time.Millisecond)}, 2 * time.Second},
		{"five, the delay is over", throttle.State{Pair: ago(5, 5*time.Second)}, 0},
		{"six", throttle.State{Pair: ago(6, 0)}, 10 * time.Second},
		{"ten", throttle.State{Pair: ago(10, 0)}, 160 * time.Second},
		{"far beyond", throttle.State{Pair: ago(80, 0)}, 15 * time.Minute},
		{"yesterday's are forgotten", throttle.State{Pair: ago(80, 25*time.Hour)}, 0},
		{"five of a known address", throttle.State{Pair: ago(5, 0), Known: true}, 5 * time.Second},
		{"the clock was set back", throttle.State{Pair: ago(5, -time.Hour)}, 5 * time.Second},

		{"19 from elsewhere", throttle.State{Account: ago(19, 0)}, 0},
		{"20 from elsewhere", throttle.State{Account: ago(20, 0)}, time.Second},
		{"25 from elsewhere", throttle.State{Account: ago(25, 0)}, 32 * time.Second},
		{"89 from elsewhere", throttle.State{Account: ago(89, 0)}, 15 * time.Minute},
		{"89 from elsewhere, long ago", throttle.State{Account: ago(89, time.Hour)}, 0},
		{"N4 90 from elsewhere, long ago", throttle.State{Account: ago(90, 1000*time.Hour)}, time.Hour},
		{"6.1.1 90 from elsewhere, here known", throttle.State{Account: ago(90, 0), Known: true}, 0},
		{"6.1.1 99 from elsewhere, here known", throttle.State{Account: ago(99, 0), Known: true}, 0},
		{"N4 100, here known", throttle.State{Account: ago(100, 0), Known: true}, time.Hour},

		{"99 of the address", throttle.State{Address: throttle.Rate{Current: 99}}, 0},
		{"100 of the address", throttle.State{Address: throttle.Rate{Current: 100}}, 601 * time.Second},
		{"100 of the address just before", throttle.State{Address: throttle.Rate{Previous: 100}}, time.Second},
		{"50 and 100 of the address", throttle.State{Address: throttle.Rate{Current: 50, Previous: 100}}, 301 * time.Second},
		{"200 of the address", throttle.State{Address: throttle.Rate{Current: 200}}, 901 * time.Second},
		{"100 of the address, here known", throttle.State{Address: throttle.Rate{Current: 100}, Known: true}, 0},

		{"6.1.1 a storm, nothing of this address", throttle.State{Overall: throttle.Rate{Current: 1 << 30}}, 0},
		{"a storm, one of this address", throttle.State{Overall: throttle.Rate{Current: 1000}, Pair: ago(1, 0)}, 5 * time.Second},
		{"a storm, five of the address", throttle.State{Overall: throttle.Rate{Current: 1000}, Address: throttle.Rate{Current: 5}}, 601 * time.Second},
		{"6.1.1 a storm, here known", throttle.State{Overall: throttle.Rate{Current: 1000}, Pair: ago(4, 0), Known: true}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := (throttle.Policy{MaxAttempts: 5}).Wait(c.state, noon); got != c.want {
				t.Errorf("%+v: wait %v, want %v", c.state, got, c.want)
			}
			if got := (throttle.Policy{}).Wait(c.state, noon); got != 0 {
				t.Errorf("switched off, and yet %v", got)
			}
		})
	}
}

// TestPolicy_waitIsEnough whoever waits as long as they were told may go on.
func TestPolicy_waitIsEnough(t *testing.T) {
	policy := throttle.Policy{MaxAttempts: 5}
	for current := 0; current < 400; current += 7 {
		for previous := 0; previous < 400; previous += 7 {
			for _, offset := range []time.Duration{0, time.Minute, 599 * time.Second} {
				rate := throttle.Rate{Current: current, Previous: previous}
				now := noon.Add(offset)
				later := now.Add(policy.Wait(throttle.State{Address: rate}, now))
				for start := noon; start.Add(10*time.Minute).Compare(later) <= 0; start = start.Add(10 * time.Minute) {
					rate = throttle.Rate{Previous: rate.Current}
				}
				if again := policy.Wait(throttle.State{Address: rate}, later); again > 0 {
					t.Fatalf("%d and %d at %v: after waiting until %v another %v", current, previous, now, later, again)
				}
			}
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(5, 5, 20, 100, 0, int64(0), false)
	f.Add(1<<40, -1, 1<<62, 1<<62, 1<<62, int64(-1<<40), true)
	f.Fuzz(func(t *testing.T, maxAttempts, pair, account, address, before int, last int64, known bool) {
		state := throttle.State{
			Pair: throttle.Count{Failures: pair, Last: time.UnixMilli(last)}, Account: throttle.Count{Failures: account, Last: time.UnixMilli(last)},
			Address: throttle.Rate{Current: address, Previous: before}, Known: known,
		}
		if wait := (throttle.Policy{MaxAttempts: maxAttempts % (1 << 20)}).Wait(state, noon); wait < 0 || wait%time.Second != 0 {
			t.Errorf("%+v: %v", state, wait)
		}
	})
}
