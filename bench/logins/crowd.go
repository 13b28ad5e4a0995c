package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// counts are the answers that the crowd got.
type counts struct{ in, busy, busyWithoutRetry, other atomic.Int64 }

// crowd has many log in at once and again and again, while somebody who is logged in goes on working.
func crowd(binary, format string, parallel int, length time.Duration) error {
	s, err := start(binary, format, 5)
	if err != nil {
		return err
	}
	defer s.stop()
	for i := range parallel {
		if err := s.clone(fmt.Sprint("user", i), ""); err != nil {
			return err
		}
	}
	client, err := s.signedIn()
	if err != nil {
		return err
	}
	quiet, err := s.work(client, time.Now().Add(5*time.Second))
	if err != nil {
		return err
	}
	before, _ := s.memory()
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var n counts
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() { s.logins(ctx, fmt.Sprint("user", i), &n) })
	}
	busy, err := s.work(client, time.Now().Add(length))
	wg.Wait()
	if err != nil {
		return err
	}
	_, most := s.memory()
	report(format, parallel, quiet, busy, &n, most-before)
	return nil
}

// logins logs in until ctx ends, and comes back at once where it was told to wait.
func (s *server) logins(ctx context.Context, name string, n *counts) {
	for ctx.Err() == nil {
		res, _, err := s.login(ctx, name, password)
		switch {
		case err != nil:
			if ctx.Err() == nil {
				n.other.Add(1)
			}
			continue
		case res.StatusCode == http.StatusSeeOther:
			n.in.Add(1)
			continue
		case res.StatusCode != http.StatusServiceUnavailable:
			n.other.Add(1)
		case res.Header.Get("Retry-After") == "":
			n.busyWithoutRetry.Add(1)
		default:
			n.busy.Add(1)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// work asks for pages one after another and returns how long each took.
func (s *server) work(client *http.Client, until time.Time) ([]time.Duration, error) {
	var took []time.Duration
	for time.Now().Before(until) {
		req, err := http.NewRequest(http.MethodGet, s.url+"/", nil)
		if err != nil {
			return nil, err
		}
		res, d, err := s.do(client, req)
		if err != nil || res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("a request of the user who is logged in: %v, %w", res, err)
		}
		took = append(took, d)
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(took)
	return took, nil
}

func at(sorted []time.Duration, share float64) time.Duration {
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

func report(format string, parallel int, quiet, busy []time.Duration, n *counts, growth int64) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	fmt.Printf("\n## %d at a time log in, %s\n\n| | measured | goal |\n|---|---|---|\n", parallel, format)
	fmt.Printf("| requests of somebody logged in, nobody logs in: p50, p99 | %s, %s | |\n", ms(at(quiet, 0.5)), ms(at(quiet, 0.99)))
	fmt.Printf("| the same while they log in: p50, p99 | %s, %s | p99 < %s %s|\n", ms(at(busy, 0.5)), ms(at(busy, 0.99)), ms(goalP99), met(at(busy, 0.99) < goalP99))
	fmt.Printf("| growth of memory (RSS, highest) | %d MiB | < %d MiB %s|\n", growth>>20, goalGrowth>>20, met(growth < goalGrowth))
	fmt.Printf("| logged in | %d | |\n", n.in.Load())
	fmt.Printf("| 503 with Retry-After, beyond the queue | %d | |\n", n.busy.Load())
	fmt.Printf("| anything else | %d | 0 %s|\n", n.other.Load()+n.busyWithoutRetry.Load(), met(n.other.Load()+n.busyWithoutRetry.Load() == 0))
}

func met(yes bool) string {
	if yes {
		return "✓ "
	}
	return "✗ "
}
