package cmd

import (
	"bytes"
	"encoding/json"
	"log"
	"log/slog"
	"testing"
)

// Not parallel: package log is everybody's.
func TestStandardLogIsJSONToo_16_2_4(t *testing.T) {
	before, flags, out := slog.Default(), log.Flags(), log.Writer()
	defer func() { slog.SetDefault(before); log.SetFlags(flags); log.SetOutput(out) }()
	var b bytes.Buffer
	adoptStandardLog(newLogger(&b, slog.LevelInfo, "json"))
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q", "a\nb")
	var line struct{ Msg, Level string }
	if err := json.Unmarshal(b.Bytes(), &line); err != nil || line.Msg == "" || line.Level != "INFO" {
		t.Errorf("%v: %q, want one JSON line", err, b.String())
	}
}
