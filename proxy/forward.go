package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"strings"

	"coatcheck/proxy/identity"
	"coatcheck/proxy/sessionapi"
	"coatcheck/proxy/sessioncookie"
)

// Field is a header as it is sent.
type Field = identity.Field

// forward carries requests to their upstreams: the plain ones itself, everything else by one [httputil.ReverseProxy].
type forward struct {
	proxy   httputil.ReverseProxy // copied for each errand, which gives the buffers
	cookie  *sessioncookie.Cookie
	live    *Live              // nil: none
	tokens  *sessionapi.Tokens // nil: there is no session API
	buffers buffers

	indirect bool // all by the ReverseProxy, for tests
}

// errand is a request on its way to an upstream.
type errand struct {
	Pass
	fields  []Field
	flight  flight
	visit   *sessionapi.Visit // nil: the application may not use the session API
	values  values
	buffers *buffers
	// For direct requests.
	interim interim
	trace   httptrace.ClientTrace
	out     http.Request
	url     url.URL
}

// values are those of header fields that we set, in one array instead of one for each.
type values struct {
	room [16]string
	used int
}

// set sets a field whose name is canonical.
func (v *values) set(h http.Header, name, value string) {
	if v.used == len(v.room) {
		h[name] = []string{value}
		return
	}
	v.room[v.used] = value
	v.used++
	h[name] = v.room[v.used-1 : v.used : v.used]
}

func newForward(o Options) *forward {
	f := &forward{cookie: o.Cookie, live: o.Live, tokens: o.Tokens}
	f.proxy = httputil.ReverseProxy{
		Rewrite: f.rewrite, Transport: roundTripper{}, ModifyResponse: f.modify, ErrorHandler: f.fail,
		FlushInterval: -1, // what an upstream sends, the client gets at once
		ErrorLog:      slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	return f
}

func (f *forward) serve(w http.ResponseWriter, r *http.Request, p Pass, fields []Field) {
	rec := recordOf(r.Context())
	rec.verbatim = true
	if limit := p.choice.route.MaxBody; limit > 0 {
		if r.ContentLength > limit {
			f.fail(w, r, &http.MaxBytesError{Limit: limit})
			return
		}
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
	}
	e := &rec.errand
	e.Pass, e.fields, e.buffers = p, fields, &f.buffers
	if e.visit = f.lend(p); e.visit != nil {
		defer e.visit.End()
	}
	if f.live != nil && p.lookedAt && p.keep != "" {
		e.flight.key, e.flight.guard, e.flight.choice, e.flight.client = p.keep, p.guard, p.choice, rec.Client
		ctx := f.live.enter(r.Context(), &e.flight)
		if ends := p.Principal.Ends.Absolute; !ends.IsZero() {
			var done context.CancelFunc
			ctx, done = context.WithDeadlineCause(ctx, ends.Add(shortTime/2), errSessionEnded)
			defer done()
		}
		defer f.land(ctx, &e.flight)
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
	}
	if f.direct(r, p.choice.route) {
		f.carry(w, r, e, rec)
		return
	}
	proxy := f.proxy
	proxy.BufferPool = e
	proxy.ServeHTTP(w, r)
}

// land notes in the access record that the session's end cut the request off.
func (f *forward) land(ctx context.Context, fl *flight) {
	if context.Cause(ctx) == errSessionEnded {
		rec := recordOf(ctx)
		rec.err, rec.event = errSessionEnded, "session_ended"
	}
	f.live.leave(fl)
}

// rewrite makes the upstream's request. Hop-by-hop headers, and those that the client listed in Connection, are gone already: what is
// set here stays (RFC 9110 7.6.1).
func (f *forward) rewrite(p *httputil.ProxyRequest) {
	e, rec := errandOf(p.In.Context()), recordOf(p.In.Context())
	p.Out.URL = outURL(e.choice.route.Upstream.Target(), e.choice.path, p.In.URL)
	p.Out.Host = rec.Host
	p.Out.Trailer = nil
	limitUpgrade(p.Out.Header)
	f.dress(p.Out.Header, e, rec)
}

// dress sets what is ours, last.
func (f *forward) dress(h http.Header, e *errand, rec *record) {
	rt := e.choice.route
	if !rt.Trailers {
		delete(h, "Te")
	}
	rt.Request.apply(h)
	f.cookie.Strip(h, e.shared())
	if rt.Credentials != nil {
		delete(h, "Authorization")
	}
	e.values.forwarded(h, rec.arrival)
	for _, field := range e.fields {
		e.values.set(h, http.CanonicalHeaderKey(field.Name), field.Value)
	}
	if e.visit != nil {
		e.values.set(h, sessionapi.Header, e.visit.Token)
	}
}

func (p Pass) shared() string {
	if p.choice.route.ShareSession {
		return p.keep
	}
	return ""
}

// outURL keeps the path byte for byte. Opaque is what net/url writes unchanged, except where it begins with two slashes; there
// the escaped path is, and forwardable has seen that it is the same.
func outURL(target *url.URL, path string, in *url.URL) *url.URL {
	out := &url.URL{Scheme: target.Scheme, Host: target.Host, RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	if strings.HasPrefix(path, "//") {
		out.Path, out.RawPath = decode(path, ""), path
	} else {
		out.Opaque = path
	}
	return out
}

// forwardable reports whether outURL can keep the path.
func forwardable(path string) bool {
	if !strings.HasPrefix(path, "//") {
		return true
	}
	return (&url.URL{Path: decode(path, ""), RawPath: path}).EscapedPath() == path
}

// limitUpgrade lets WebSockets through and nothing else: h2c would open a tunnel past every rule. (The client is answered over
// HTTP/1.1, as RFC 9110 7.8 allows.)
func limitUpgrade(h http.Header) {
	if upgrade, asked := h["Upgrade"]; asked && !strings.EqualFold(upgrade[0], "websocket") {
		h.Del("Upgrade")
		h.Del("Connection")
	}
	h.Del("Http2-Settings")
}

// forwarded writes the forwarding headers: only what we know to be true (RFC 7239 8.1).
func (v *values) forwarded(h http.Header, a arrival) {
	if a.chain != "" {
		v.set(h, "X-Forwarded-For", a.chain)
	}
	v.set(h, "X-Forwarded-Host", a.Host)
	v.set(h, "X-Forwarded-Proto", schemeOf(a))
	v.set(h, "X-Request-Id", a.RequestID)
}

func schemeOf(a arrival) string {
	if a.Secure {
		return "https"
	}
	return "http"
}

// roundTripper hands requests to the upstream of their route.
type roundTripper struct{}

func (roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	route := errandOf(req.Context()).choice.route
	res, err := route.Upstream.RoundTrip(req)
	if err != nil || route.Trailers {
		return res, err
	}
	// The transport adds trailers to the response it returned when its body ends: the copy stays without.
	without := *res
	without.Trailer = nil
	return &without, nil
}
