package near_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/internal/near"
)

// TestPulse: a feed is believed for less than 3 s after its last sign of life, and forgets before it is believed again.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		forgot := 0
		p := near.NewPulse(func() { forgot++ })
		expect := func(when string, heard bool, times int) {
			t.Helper()
			if p.Heard() != heard || forgot != times {
				t.Errorf("%s: heard %v, forgot %d times; want %v, %d", when, p.Heard(), forgot, heard, times)
			}
		}
		expect("at first", false, 0)
		p.Found()
		expect("found", false, 1)
		p.Beat(time.Now())
		expect("alive", true, 1)
		time.Sleep(2400 * time.Millisecond)
		expect("silent for 2.4 s", true, 1)
		time.Sleep(600 * time.Millisecond)
		expect("silent for 3 s", false, 1)
		p.Found() // the same connection was only slow: nothing was missed
		p.Beat(time.Now().Add(-time.Second))
		expect("alive again", true, 1)
		time.Sleep(1600 * time.Millisecond)
		expect("2.6 s after it was asked", false, 1)
		p.Lost()
		p.Found()
		p.Beat(time.Now())
		expect("lost and found", true, 2)
		p.CannotHear()
		if expect("there is nothing to hear", false, 2); !p.Unable() {
			t.Error("not unable")
		}
	})
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		attempts, losses := 0, 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			near.Keep(ctx, func(context.Context) error { attempts++; return errors.New("gone") }, func(error) { losses++ })
		}()
		time.Sleep(3500 * time.Millisecond)
		cancel()
		<-done
		if attempts != 4 || losses != 4 {
			t.Errorf("%d attempts, %d losses in 3.5 s; want one each second", attempts, losses)
		}
	})
}
