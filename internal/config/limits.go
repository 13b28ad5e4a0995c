package config

import "time"

// applyPreset fills in the limits of NIST SP 800-63B-4 (sections 2.1.3, 2.2.3, 2.3.3) where none are given.
func (l *loading) applyPreset(s *Session) {
	limits := map[string][2]time.Duration{ // overall, idle
		"aal1": {30 * 24 * time.Hour, 0},
		"aal2": {24 * time.Hour, time.Hour},
		"aal3": {12 * time.Hour, 15 * time.Minute},
	}[s.Preset]
	if _, given := l.origins["session.max_lifetime"]; !given && s.Preset != "" {
		s.MaxLifetime = limits[0]
	}
	if _, given := l.origins["session.idle_timeout"]; !given && s.Preset != "" {
		s.IdleTimeout = limits[1]
	}
}

// shortestLimit keeps a unit that was forgotten from logging everybody out.
const shortestLimit = time.Second

func (l *loading) checkLimits(s *Session) {
	for key, limit := range map[string]time.Duration{"session.idle_timeout": s.IdleTimeout, "session.max_lifetime": s.MaxLifetime} {
		if limit != 0 && limit < shortestLimit {
			l.bad(key, "must be at least %s, or 0 for none", shortestLimit)
		}
	}
	if s.MaxLifetime%time.Second != 0 {
		l.bad("session.max_lifetime", "must be whole seconds")
	}
	if s.MaxLifetime > 0 && s.IdleTimeout >= s.MaxLifetime {
		l.warn("session.idle_timeout", "is no shorter than max_lifetime, so it never counts")
	}
}
