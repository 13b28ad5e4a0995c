package config

import (
	"strings"
	"testing"
	"time"
)

func TestPresets_N2(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name, session string
		overall, idle time.Duration
	}{
		{"Django's way by default", "{}", 0, 0},
		{"aal1", "{preset: aal1}", 30 * day, 0},
		{"aal2", "{preset: AAL2}", day, time.Hour},
		{"aal3", "{preset: aal3}", 12 * time.Hour, 15 * time.Minute},
		{"a key wins", "{preset: aal3, idle_timeout: 10m}", 12 * time.Hour, 10 * time.Minute},
		{"a key that says none wins, too", "{preset: aal3, idle_timeout: 0}", 12 * time.Hour, 0},
		{"both keys", "{preset: aal2, idle_timeout: 1m, max_lifetime: 2h}", 2 * time.Hour, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustLoad(t, Options{Path: write(t, "session: "+c.session)}).Session
			if s.MaxLifetime != c.overall || s.IdleTimeout != c.idle {
				t.Errorf("got overall %s and idle %s, want %s and %s", s.MaxLifetime, s.IdleTimeout, c.overall, c.idle)
			}
		})
	}
	cfg := mustLoad(t, Options{Path: write(t, "session: {preset: aal2}"), Environ: []string{"COATCHECK_SESSION_IDLE_TIMEOUT=5m"}})
	if got := cfg.Session.IdleTimeout; got != 5*time.Minute {
		t.Errorf("idle_timeout by environment: got %s, want 5m", got)
	}
}

func TestLimitsThatCannotBe(t *testing.T) {
	for session, want := range map[string]string{
		"{idle_timeout: 10ms}":                 "session.idle_timeout",
		"{max_lifetime: 1500ms}":               "session.max_lifetime",
		"{preset: aal4}":                       "session.preset",
		"{time_left_header: 'X Left'}":         "session.time_left_header",
		"{idle_timeout: 2h, max_lifetime: 1h}": "warning: ",
		"{max_per_user: -1}":                   "session.max_per_user",
	} {
		if got := report(Options{Path: write(t, "session: "+session)}); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", session, got, want)
		}
	}
}
