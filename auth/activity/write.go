package activity

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"coatcheck/sessionstore/ledger"
)

const (
	// longestWait and shortestWait bound the time between two batches.
	longestWait, shortestWait = 30 * time.Second, 100 * time.Millisecond
	// lastTime is what the batch at the end may take.
	lastTime = 2 * time.Second
	// rowMargin is how much longer than its session a row stays.
	rowMargin = 2 * time.Hour
)

// every is the time between two batches, and so how far other processes are behind: a tenth of the idle limit, at most half a minute.
func (r *Register) every() time.Duration {
	if r.o.Limits.Idle == 0 {
		return longestWait
	}
	return min(max(r.o.Limits.Idle/10, shortestWait), longestWait)
}

// keepRow: a session that could come back after its row was gone would be a new one to the limits.
func (r *Register) keepRow() time.Duration {
	return max(r.o.Limits.Lifetime, r.o.Limits.Idle) + rowMargin
}

// Run tells the ledger, batch by batch, what was seen, until ctx ends; then once more.
func (r *Register) Run(ctx context.Context) {
	ticker := time.NewTicker(r.every())
	defer ticker.Stop()
	failed := false
	for {
		select {
		case <-ticker.C:
			failed = r.batch(ctx, failed)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
			defer cancel()
			r.batch(last, failed)
			return
		}
	}
}

// batch writes what is due and logs the first of several faults. What could not be written is tried again.
func (r *Register) batch(ctx context.Context, failed bool) bool {
	err := r.write(ctx, everyone)
	if err != nil && !failed && !errors.Is(err, context.Canceled) { // at the end there is one more try
		r.o.Log.LogAttrs(ctx, slog.LevelWarn, "when sessions were seen is not in the list of sessions yet", slog.Any("err", err))
	}
	return err != nil
}

func everyone(*entry) bool { return true }

// write tells the ledger of the activity of those whom it concerns.
func (r *Register) write(ctx context.Context, concerns func(*entry) bool) error {
	r.wrote.Lock()
	defer r.wrote.Unlock()
	var news []*entry
	for i := range r.shards {
		news = r.shards[i].news(news, concerns)
	}
	seen := make([]ledger.Sighting, len(news))
	for i, e := range news {
		seen[i] = e.sighting(r.keepRow())
	}
	if err := r.o.Records.Note(ctx, seen...); err != nil {
		return err
	}
	for i, e := range news {
		raise(&e.noted, seen[i].LastSeen.UnixMilli())
	}
	r.tidy(ctx)
	return nil
}

func (s *shard) news(all []*entry, concerns func(*entry) bool) []*entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.known {
		if e.dirty() && concerns(e) {
			all = append(all, e)
		}
	}
	for _, e := range s.spilled {
		if e.dirty() && concerns(e) {
			all = append(all, e)
		}
	}
	return all
}

// tidy forgets spilled entries that were written.
func (r *Register) tidy(ctx context.Context) {
	lost := 0
	for i := range r.shards {
		lost += r.shards[i].tidy()
	}
	if lost > 0 {
		r.o.Log.LogAttrs(ctx, slog.LevelWarn, "more sessions are in use than fit into memory; when some were seen was not noted (key session.near_cache_entries)",
			slog.Int("sessions", lost))
	}
}

func (s *shard) tidy() (lost int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.spilled[:0]
	for _, e := range s.spilled {
		if e.dirty() {
			left = append(left, e)
		}
	}
	clear(s.spilled[len(left):])
	s.spilled, lost = left, s.lost
	s.lost = 0
	return lost
}
