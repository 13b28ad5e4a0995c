package metrics

import (
	"context"
	"log/slog"
)

// Events counts the records that have an attribute "event", and hands all records on to next: what the security log says and what is
// counted cannot differ. Events are counted from level info on, whether or not next logs them. Their names are constants of the program.
func (m *Metrics) Events(next slog.Handler) slog.Handler { return eventHandler{next, m} }

type eventHandler struct {
	slog.Handler
	m *Metrics
}

func (h eventHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.Handler.Enabled(ctx, level)
}

func (h eventHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "event" {
			return true
		}
		h.m.event(a.Value.String())
		return false
	})
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return eventHandler{h.Handler.WithAttrs(attrs), h.m}
}

func (h eventHandler) WithGroup(name string) slog.Handler {
	return eventHandler{h.Handler.WithGroup(name), h.m}
}

func (m *Metrics) event(name string) {
	m.events.WithLabelValues(name).Inc()
	if name == "session_renewed" { // its hash was made with a fallback key
		m.fallbacks.WithLabelValues(ofHash).Inc()
	}
}
