package cmd

import (
	"context"
	"io"
	"log/slog"
	"testing"
)

// BenchmarkAccessRecord is the line that each request costs, up to the sink and beyond.
func BenchmarkAccessRecord(b *testing.B) {
	s := newLogSink(io.Discard, func() {})
	defer s.close()
	log := newLogger(s, slog.LevelInfo, "json")
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(context.Background(), slog.LevelInfo, "request",
			slog.String("request_id", "VZGXCMKGHHO3MOUD5G2IET3SUM"), slog.String("client", "127.0.0.1"), slog.String("host", "app.example.com"),
			slog.String("method", "GET"), slog.String("path", "/projects/coatcheck"), slog.Int("status", 200), slog.Int64("bytes", 1024),
			slog.Float64("dur_ms", 0.25), slog.String("user_id", "1"))
	}
}
