package sessioncookie

import (
	"context"
	"net/http"

	"coatcheck/sessionstore"
)

// Opener opens the session of a key a client presented; [sessionstore.Sessions] is one.
type Opener interface {
	Open(ctx context.Context, key string) (*sessionstore.Session, error)
}

// Open returns the session of a request. Of several different cookies exactly one must have a live session; with two or
// more it is nobody's: one of them may have been put there by a sibling host (RFC 6265bis section 8.6). Without a live one it is an empty
// session, which tells if a record was refused. An error is a fault.
func (c *Cookie) Open(ctx context.Context, sessions Opener, h http.Header) (*sessionstore.Session, error) {
	var live, refused *sessionstore.Session
	for _, key := range c.Keys(h) {
		session, err := sessions.Open(ctx, key)
		switch {
		case err != nil:
			return nil, err
		case session.Refused() != nil:
			refused = session
		case session.Key() == "":
		case live != nil:
			return sessions.Open(ctx, "")
		default:
			live = session
		}
	}
	switch {
	case live != nil:
		return live, nil
	case refused != nil:
		return refused, nil
	}
	return sessions.Open(ctx, "")
}

// Stale reports whether the browser should forget its cookie, since it leads nowhere (contrib/sessions/middleware.py
// process_response). It keeps one whose record was refused (a wrong secret key in a configuration logs nobody out), and
// several: taking away ours would leave the browser with the one a sibling host has set.
func (c *Cookie) Stale(h http.Header, session *sessionstore.Session) bool {
	return session.Empty() && session.Refused() == nil && c.Sent(h) && len(c.Keys(h)) < 2
}
