package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	checkInterval = 10 * time.Second
	checkTimeout  = 5 * time.Second
	checkFalls    = 2        // failed checks in a row until a member gets nothing
	maxCheckBody  = 64 << 10 // bytes of an answer that are read, so that its connection can be used again
)

// Check is how a list asks its members whether they are well: a GET that has to be answered with 200 to 399. A member that fails
// twice in a row gets no requests until it answers well again.
type Check struct {
	// Path is asked for, below the path of the upstream's URL; empty: nobody is asked.
	Path string
	// Host is the Host header; empty: the upstream's.
	Host string
	// Interval is the time between two checks (0: 10 s), Timeout how long an answer may take (0: 5 s).
	Interval, Timeout time.Duration
}

func (c Check) valid() bool { return c.Path == "" || strings.HasPrefix(c.Path, "/") }

func (c Check) withDefaults() Check {
	if c.Interval <= 0 {
		c.Interval = checkInterval
	}
	if c.Timeout <= 0 {
		c.Timeout = checkTimeout
	}
	return c
}

// Run checks the members, all of them at once and then every interval, until ctx ends. Without a path to ask for it returns at
// once. Whoever calls it owns the goroutine; none is left when it returns.
func (b *Balancer) Run(ctx context.Context) {
	if b.options.Check.Path == "" {
		return
	}
	ticker := time.NewTicker(b.options.Check.Interval)
	defer ticker.Stop()
	for {
		var checks sync.WaitGroup
		for _, m := range b.members {
			checks.Go(func() { b.check(ctx, m) })
		}
		checks.Wait()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (b *Balancer) check(ctx context.Context, m *member) {
	err := b.options.Check.ask(ctx, m.Upstream)
	if ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.checkedWell(m)
		return
	}
	if m.bad++; m.bad == checkFalls {
		m.ill = true
		b.options.Log.Warn("upstream failed its health check", slog.String("upstream", m.name), slog.Any("err", err))
	}
}

// checkedWell also ends the time that a member is left out after failed connections.
func (b *Balancer) checkedWell(m *member) {
	if m.ill {
		m.since = b.options.Now()
		b.options.Log.Info("upstream passed its health check", slog.String("upstream", m.name))
	}
	m.bad, m.ill = 0, false
	b.reached(m)
}

// ask bypasses the limit of connections: a member that is busy is not ill.
func (c Check) ask(ctx context.Context, u *Upstream) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.target.JoinPath(c.Path).String(), nil)
	if err != nil {
		return fmt.Errorf("make health check: %w", err)
	}
	r.Header.Set("User-Agent", "coatcheck")
	if c.Host != "" {
		r.Host = c.Host
	}
	res, err := u.kind.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.CopyN(io.Discard, res.Body, maxCheckBody); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read answer of health check: %w", err)
	}
	if res.StatusCode < http.StatusOK || res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("health check was answered with %d", res.StatusCode)
	}
	return nil
}
