package password

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// slow is a format whose verification takes a second and 64 MiB, and knows how many run at once.
type slow struct {
	idle
	running, most *atomic.Int64
}

func newSlow() slow {
	return slow{idle{NewPBKDF2SHA256(1).(djangoPBKDF2)}, new(atomic.Int64), new(atomic.Int64)}
}

func (s slow) Verify(password, encoded string) (bool, error) {
	n := s.running.Add(1)
	for old := s.most.Load(); n > old && !s.most.CompareAndSwap(old, n); old = s.most.Load() {
	}
	time.Sleep(time.Second)
	s.running.Add(-1)
	return s.idle.Verify(password, encoded)
}

func (slow) Memory(string) int64 { return 64 << 20 }

// crowd runs n checks at once and counts the answers by error.
func crowd(r *Registry, n int, encoded string) (ok, busy int) {
	answers := make(chan error)
	for range n {
		go func() {
			matches, _, err := r.Check(context.Background(), "pw", encoded)
			if err == nil && !matches {
				err = errors.New("did not match")
			}
			answers <- err
		}()
	}
	for range n {
		switch err := <-answers; {
		case err == nil:
			ok++
		case errors.Is(err, ErrBusy):
			busy++
		}
	}
	return ok, busy
}

// TestQueue_15_2_2: so many run, so many wait, the others are told at once.
func TestQueue_15_2_2(t *testing.T) {
	for _, c := range []struct {
		name           string
		limits         Limits
		ok, busy, most int
		took           time.Duration
	}{
		{"cores and queue", Limits{Concurrency: 2, Queue: 6, Memory: 1 << 30}, 8, 12, 2, 4 * time.Second},
		{"no queue", Limits{Concurrency: 3, Queue: -1, Memory: 1 << 30}, 3, 17, 3, time.Second},
		{"memory for one", Limits{Concurrency: 4, Queue: 4, Memory: 100 << 20}, 8, 12, 1, 8 * time.Second},
		{"less memory than one takes", Limits{Concurrency: 4, Queue: 4, Memory: 1 << 20}, 8, 12, 1, 8 * time.Second},
		{"queue for all", Limits{Concurrency: 4, Queue: 16, Memory: 1 << 30}, 20, 0, 4, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newSlow()
				r := NewRegistry(h).WithLimits(c.limits)
				start := time.Now()
				ok, busy := crowd(r, 20, mustEncode(t, h, "pw"))
				if ok != c.ok || busy != c.busy || int(h.most.Load()) != c.most || time.Since(start) != c.took {
					t.Errorf("of 20 checks: %d ok, %d busy, at most %d at once, in %v, want %d, %d, %d, %v",
						ok, busy, h.most.Load(), time.Since(start), c.ok, c.busy, c.most, c.took)
				}
				if ok, _ := crowd(r, 1, mustEncode(t, h, "pw")); ok != 1 {
					t.Error("the places were not given back")
				}
			})
		})
	}
}

// TestQueue_context: who leaves the queue gives the place back and gets neither an answer nor ErrBusy.
func TestQueue_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSlow()
		encoded := mustEncode(t, h, "pw")
		r := NewRegistry(h).WithLimits(Limits{Concurrency: 1, Queue: 1})
		done := make(chan struct{})
		go func() {
			crowd(r, 1, encoded)
			close(done)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		for range 3 {
			if ok, _, err := r.Check(ctx, "pw", encoded); ok || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Check = %v, %v, want context.DeadlineExceeded", ok, err)
			}
		}
		if err := r.Burn(ctx, "pw"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Burn = %v, want context.DeadlineExceeded", err)
		}
		<-done
		if ok, _ := crowd(r, 1, encoded); ok != 1 {
			t.Error("the places were not given back")
		}
		if _, err := r.Encode("pw"); err != nil {
			t.Errorf("Encode = %v", err)
		}
	})
}

func TestBeginAndEndFrameTheWork(t *testing.T) {
	var told []string
	h := NewPBKDF2SHA256(1)
	r := NewRegistry(h).WithLimits(Limits{Begin: func() { told = append(told, "begin") }, End: func() { told = append(told, "end") }})
	if _, err := r.Encode("secret"); err != nil {
		t.Fatal(err)
	}
	if err := r.Burn(t.Context(), "secret"); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(told, " "), "begin end begin end"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}
