// Package audit keeps the security events in a place of their own: a file or another writer, one JSON line for each. Requests never wait
// for it, unless it has been asked for each line to be kept (F32).
package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// ErrNotKept says that the audit log does not take lines at the moment. Who asked for one to be kept has to be refused.
var ErrNotKept = errors.New("the audit log (log.audit) cannot be written")

// confirmTime is how long [Log.Confirm] waits, as long as for a store.
const confirmTime = 2 * time.Second

// Log is the audit log of a process. Where it is kept can be exchanged while it is in use. Safe for concurrent use.
type Log struct {
	sink     atomic.Pointer[Sink] // nil: the events go where the log goes
	required atomic.Bool
}

// Use puts the sink in force, nil for none, and ends the one before, whose waiting lines are written first. With required, a line that
// cannot be kept is a fault.
func (l *Log) Use(next *Sink, required bool) {
	l.required.Store(required && next != nil)
	if old := l.sink.Swap(next); old != nil && old != next {
		old.end()
	}
}

// Close ends the sink, after what waits was written, if that takes no longer than a second.
func (l *Log) Close() {
	if s := l.sink.Swap(nil); s != nil {
		s.end()
		select {
		case <-s.done:
		case <-time.After(time.Second):
		}
	}
}

// Ready is ErrNotKept while lines have to be kept and cannot be. It costs next to nothing.
func (l *Log) Ready() error {
	if s := l.sink.Load(); l.required.Load() && s != nil && s.broken() {
		return ErrNotKept
	}
	return nil
}

// Check is [Log.Ready] for a readiness check.
func (l *Log) Check(context.Context) error { return l.Ready() }

// Confirm waits until all events so far are written. Without required it does nothing.
func (l *Log) Confirm(ctx context.Context) error {
	s := l.sink.Load()
	if !l.required.Load() || s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	return s.confirm(ctx)
}

// Handler hands on all records to next, and those with an attribute "event" that is of security to events instead; the record of a request
// goes to both. Without a sink all go to next. Events are kept from level info on, whatever next logs.
func (l *Log) Handler(next slog.Handler, events slog.Handler) slog.Handler {
	return handler{log: l, next: next, events: events}
}

type handler struct {
	log          *Log
	next, events slog.Handler
}

func (h handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level) || h.log.sink.Load() != nil && level >= slog.LevelInfo
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if h.log.sink.Load() != nil && r.Level >= slog.LevelInfo && security(r) {
		err := h.events.Handle(ctx, r)
		if r.Message != accessRecord {
			return err
		}
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

// accessRecord is the message of the record that each request has.
const accessRecord = "request"

// security reports whether a record tells of an event that is about who may do what; faults of caches and upstreams are not.
func security(r slog.Record) (is bool) {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "event" {
			return true
		}
		name := a.Value.String()
		is = name != "cache_error" && name != "upstream_failed"
		return false
	})
	return is
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.log, h.next.WithAttrs(attrs), h.events.WithAttrs(attrs)}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.log, h.next.WithGroup(name), h.events.WithGroup(name)}
}

// Write implements [io.Writer] for one line, which it keeps a copy of. It never waits.
func (l *Log) Write(line []byte) (int, error) {
	var tried *Sink
	for s := l.sink.Load(); s != nil; s = l.sink.Load() {
		if s.add(line) {
			break
		}
		if s == tried { // the process stops
			s.dropped()
			break
		}
		tried = s // exchanged just now
	}
	return len(line), nil
}
