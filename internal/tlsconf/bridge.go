package tlsconf

import (
	"context"
	"log/slog"

	"go.uber.org/zap/zapcore"
)

// bridge brings what certmagic says by zap into our own log, but for its debugging, which has several lines for each handshake.
type bridge struct{ log *slog.Logger }

// Enabled implements [zapcore.Core].
func (b bridge) Enabled(level zapcore.Level) bool {
	return level > zapcore.DebugLevel && b.log.Enabled(context.Background(), ours(level))
}

// With implements [zapcore.Core].
func (b bridge) With(fields []zapcore.Field) zapcore.Core {
	return bridge{slog.New(b.log.Handler().WithAttrs(attrs(fields)))}
}

// Check implements [zapcore.Core].
func (b bridge) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if b.Enabled(e.Level) {
		return checked.AddCore(e, b)
	}
	return checked
}

// Write implements [zapcore.Core].
func (b bridge) Write(e zapcore.Entry, fields []zapcore.Field) error {
	b.log.LogAttrs(context.Background(), ours(e.Level), "certificates: "+e.Message, attrs(fields)...)
	return nil
}

// Sync implements [zapcore.Core].
func (bridge) Sync() error { return nil }

func ours(level zapcore.Level) slog.Level {
	switch {
	case level >= zapcore.ErrorLevel:
		return slog.LevelError
	case level >= zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

func attrs(fields []zapcore.Field) []slog.Attr {
	values := zapcore.NewMapObjectEncoder()
	list := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		f.AddTo(values)
		list = append(list, slog.Any(f.Key, values.Fields[f.Key]))
	}
	return list
}
