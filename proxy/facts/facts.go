// Package facts carries what the door found out about a request to the handlers behind it.
package facts

import (
	"context"
	"net/netip"

	"coatcheck/proxy/look"
)

// Facts are what the door knows of a request before anybody is asked who it is.
type Facts struct {
	RequestID string
	// TraceID is the trace it belongs to (W3C Trace Context), 32 hexadecimal digits; empty: none.
	TraceID string
	// Client is the address of the client: the peer, or the right-most untrusted hop where the peer is a trusted proxy.
	Client netip.Addr
	// Secure says that the browser came by https, here or at a trusted proxy.
	Secure bool
	// Host is the authority the browser asked for, as the trusted proxy or the request names it.
	Host string
	// Look is how our pages look; nil: as they do by default.
	Look *look.Look
	// Agent is the User-Agent, as it was sent.
	Agent string
}

// Key is what a context answers with a *Facts that no longer changes. A context of one's own that does needs no [With].
type Key struct{}

// With returns a context that carries f.
func With(ctx context.Context, f Facts) context.Context {
	return context.WithValue(ctx, Key{}, &f)
}

// From returns the facts in ctx; the zero Facts where there are none.
func From(ctx context.Context) Facts {
	if f, ok := ctx.Value(Key{}).(*Facts); ok {
		return *f
	}
	return Facts{}
}
