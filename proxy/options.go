package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/identity"
	"coatcheck/proxy/look"
	"coatcheck/proxy/sessionapi"
	"coatcheck/proxy/sessioncookie"
	"coatcheck/sessionstore"
)

// Options is everything a [Handler] is made of. Routes, Stripper, Cookie, Sessions, Principals and Log are required.
type Options struct {
	Routes []Route
	// Portal serves the paths under AuthPrefix ("/.auth"), with [coatcheck/proxy/facts.Facts] in the context.
	Portal     http.Handler
	AuthPrefix string
	// Pages are served under AuthPrefix instead of the portal's, by their path there, such as "/jwks.json".
	Pages map[string]http.Handler
	// PublicURL is where browsers find the proxy; when set, redirects to the login page and the https fact follow it.
	PublicURL *url.URL
	// TrustedProxies are the networks whose X-Forwarded-* and X-Request-Id are believed; TrustUnix adds peers on unix sockets.
	TrustedProxies []netip.Prefix
	TrustUnix      bool
	// Trace says whose trace context is passed on.
	Trace Trace
	// HSTS is sent as Strict-Transport-Security with what was asked by TLS, unless the upstream has sent its own; empty: not.
	HSTS string
	// Look is how our pages and error answers look; nil: as they do by default.
	Look *look.Look
	// FoldPaths compares paths without case, for upstreams that do.
	FoldPaths bool

	// Tokens are what applications use the session API with; nil: there is none.
	Tokens *sessionapi.Tokens
	// Live ends requests that outlive their session; nil: they go on.
	Live *Live

	Stripper   Stripper
	Cookie     *sessioncookie.Cookie
	Sessions   *sessionstore.Sessions
	Principals Principals
	// Activity is told of requests that count as activity of their session; nil: nobody is.
	Activity Activity
	// TimeLeftHeader tells browsers in how many seconds the session ends unless it is used; empty: they are not told.
	TimeLeftHeader string
	// Logins checks the credentials of routes with Basic; nil: there are none.
	Logins Logins

	Log *slog.Logger
	Now func() time.Time // nil: time.Now
	// Observe is told of every request when it has ended, as its access record is; nil: nobody is. It must be quick.
	Observe func(Observation)
}

// Observation is what became of one request: the part of its access record whose values are few, so that they can be counted by.
type Observation struct {
	Route  string // host and path of its rule as configured, [RoutePortal] or [RouteNone]
	Status int    // 499: the client did not wait for the answer
	Took   time.Duration
	Event  string // of the security log, such as [EventUpstreamFailed]; "" for most
}

// Routes of an [Observation] that are not configured ones; those have a slash.
const (
	RoutePortal = "portal"
	RouteNone   = "none" // no rule was looked for, or none was found
)

// EventUpstreamFailed: the upstream did not answer, or broke off.
const EventUpstreamFailed = "upstream_failed"

// Route sends the requests for a host and a path prefix to one upstream.
type Route struct {
	// Host is compared without case and port; empty: every host that has no matching route of its own.
	Host string
	// Path is a prefix in whole segments, decoded: "/x" and "/x/" both cover "/x" and everything below it.
	Path string
	// Methods limits the route; empty: all. GET includes HEAD. Other methods find the next shorter prefix.
	Methods []string
	Access  Access

	Upstream Upstream
	// NoUpstream: the rule is for forward-auth alone; asked for itself, the route answers 404.
	NoUpstream bool
	// StripPrefix forwards the path without Path.
	StripPrefix bool
	// Identity are the headers that tell the upstream who it is; nil: none.
	Identity Identity
	// Credentials are sent to the upstream as Authorization, and a client's own never are; nil: the client's own are.
	Credentials Credentials
	// ShareSession lets the session cookie through to an upstream that shares the session, and its Set-Cookie back.
	ShareSession bool
	// Basic takes a name and a password with each request (RFC 7617), for scripts.
	Basic bool
	// AnonymousSession gives each visitor an id that Identity tells, and a session that keeps it.
	AnonymousSession bool
	// SessionAPI gives the application a token for the session API.
	SessionAPI bool
	// NoTouch keeps requests here from counting as activity: they do not save under SaveEveryRequest, and leave a session idle.
	NoTouch bool
	// MaxAuthAge sends users to the login page whose login is older; 0: a login of any age will do.
	MaxAuthAge time.Duration
	// Preflight lets CORS preflights through without a login.
	Preflight bool
	// Request and Response are changes to the headers, before ours are set.
	Request, Response HeaderChanges
	// RewriteRedirects makes of a Location that is the upstream's own address the one that the browser knows.
	RewriteRedirects bool
	// RewriteCookiePath puts the Path of an upstream's cookies below the path that StripPrefix takes off.
	RewriteCookiePath bool
	// SocketOrigins are other origins ("https://app.example.com") whose pages may open WebSockets here with a visitor's session.
	SocketOrigins []string
	// Trailers lets the trailers of answers through.
	Trailers bool
	// MaxBody limits the request body in bytes (413); 0: no limit.
	MaxBody int64
}

// Upstream carries requests to one application.
type Upstream interface {
	http.RoundTripper
	// Target is the base URL: scheme, host and an optional path. It must not be changed.
	Target() *url.URL
}

// Stripper removes the headers that could be mistaken for ours, and returns their names.
type Stripper interface {
	Strip(h http.Header, trusted bool) (dropped []string)
}

// Identity turns a principal into header fields. An error is a value that cannot be sent.
type Identity interface {
	Fields(p auth.Principal) ([]identity.Field, error)
	// Names are those of all the fields that there can be.
	Names() []string
}

// Identities are several as one.
type Identities []Identity

// Fields implements [Identity].
func (all Identities) Fields(p auth.Principal) (fields []identity.Field, err error) {
	for _, one := range all {
		more, err := one.Fields(p)
		if err != nil {
			return nil, err
		}
		fields = append(fields, more...)
	}
	return fields, nil
}

// Names implements [Identity].
func (all Identities) Names() (names []string) {
	for _, one := range all {
		names = append(names, one.Names()...)
	}
	return names
}

// Credentials speak for a principal to an upstream that logs people in itself.
type Credentials interface {
	// Authorization is the header's value; "" sends none. An error is a name that cannot be sent.
	Authorization(p auth.Principal) (string, error)
}

// Activity is told that a session was used, and returns its principal with what that changes. It must not wait.
type Activity interface {
	Touch(ctx context.Context, p auth.Principal) auth.Principal
}

// Principals finds out whom a session speaks for. It may change the session; an error is a fault, never "nobody".
type Principals interface {
	Principal(ctx context.Context, s *sessionstore.Session) (auth.Principal, error)
}
