package cmd

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"
)

// newLogger writes to w: text on a terminal, JSON otherwise, times in UTC (ASVS 16.2.2).
func newLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "text" || (format == "auto" && isTerminal(w)) {
		return slog.New(utc{slog.NewTextHandler(w, options)})
	}
	return slog.New(utc{slog.NewJSONHandler(w, options)})
}

// adoptStandardLog sends to log what net/http and the drivers write through package log, such as bytes an upstream sent unasked: the
// log is JSON line by line, whoever writes.
func adoptStandardLog(log *slog.Logger) { slog.SetDefault(log) }

// utc gives records their time in UTC, in milliseconds. [slog.HandlerOptions.ReplaceAttr] would be called for every attribute of every
// access record.
type utc struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h utc) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h utc) WithAttrs(attrs []slog.Attr) slog.Handler { return utc{h.Handler.WithAttrs(attrs)} }

// WithGroup implements [slog.Handler].
func (h utc) WithGroup(name string) slog.Handler { return utc{h.Handler.WithGroup(name)} }

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
