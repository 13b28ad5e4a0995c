package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"

	"coatcheck/sessionstore"
)

// The security events (ASVS 16.3), each the value of the attribute "event". Log readers match on them: they never change.
const (
	eventLoginOK          = "login_ok"
	eventLoginFailed      = "login_failed"
	eventLoginThrottled   = "login_throttled"
	eventFactorAsked      = "login_factor_asked"
	eventLogout           = "logout"
	eventSessionFlushed   = "session_flushed"
	eventSessionRenewed   = "session_renewed" // its hash was made with a fallback key (ASVS 11.1.1)
	eventSessionRefused   = "session_refused"
	eventPasswordUpgraded = "password_upgraded"
	eventPasswordChanged  = "password_changed" // by the user
)

func (s *Service) event(ctx context.Context, level slog.Level, name string, attrs ...slog.Attr) {
	all := append([]slog.Attr{slog.String("event", name)}, attrs...)
	if s.attrs != nil {
		all = appendMissing(all, s.attrs(ctx))
	}
	s.log.LogAttrs(ctx, level, "security event", all...)
}

// appendMissing leaves out what the event says itself: JSON with a key twice has no meaning.
func appendMissing(attrs, more []slog.Attr) []slog.Attr {
	for _, a := range more {
		if !slices.ContainsFunc(attrs, func(b slog.Attr) bool { return a.Key == b.Key }) {
			attrs = append(attrs, a)
		}
	}
	return attrs
}

func userAttr(login string) slog.Attr { return slog.String("user", clip(login)) }

func clientAttr(client netip.Addr) slog.Attr {
	if !client.IsValid() {
		return slog.Attr{} // empty attributes are left out by slog's handlers
	}
	return slog.String("client", client.String())
}

func sessionAttr(session *sessionstore.Session) slog.Attr {
	if session.Key() == "" {
		return slog.Attr{}
	}
	return slog.String("session", sessionstore.KeyHash(session.Key()))
}

// clip bounds what a client can put into one log record.
func clip(text string) string {
	const max = 256 // bytes
	if len(text) > max {
		return text[:max] + "…"
	}
	return text
}
