// Package proxy is coatcheck's HTTP side: it decides for each request whether it may pass, and forwards it with the identity of
// its visitor. The order of the steps is that of ARCHITECTURE.md, the journey of a request.
package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Handler is the proxy. Safe for concurrent use; it starts nothing that outlives a request.
type Handler struct {
	chain    http.Handler
	networks networks
	hosts    map[string]bool
	table    *table
	every    choice // of all routes at once
	methods  bool   // there are routes for single methods
	prefix   string // of the portal, as the table compares it; "" without a portal
	verifyAt string // "" without a portal
	portal   http.Handler
	stripper Stripper
	guard    *guard
	answer   Answer
	own      *proxyAnswer // the same
	pages    map[string]http.Handler
	log      *slog.Logger
	now      func() time.Time
	observer func(Observation)
	hsts     string
}

// New returns the proxy that o describes; the error holds everything that is wrong with it.
func New(o Options) (*Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PublicURL == nil {
		o.PublicURL = &url.URL{}
	}
	h := &Handler{
		networks: networks{proxies: o.TrustedProxies, unix: o.TrustUnix, secure: o.PublicURL.Scheme == "https", look: o.Look, ids: new(requestIDs), trace: o.Trace},
		hosts:    ownHosts(o.Routes, o.PublicURL),
		portal:   o.Portal, pages: o.Pages, stripper: o.Stripper, log: o.Log, now: o.Now, observer: o.Observe, hsts: o.HSTS,
	}
	if err := errors.Join(o.missing(), h.route(o)); err != nil {
		return nil, err
	}
	h.guard, h.own = newGuard(o), newProxyAnswer(o)
	h.answer = h.own
	h.chain = http.HandlerFunc(h.dispatch)
	// The last is the first a request meets.
	for _, middleware := range []func(http.Handler) http.Handler{h.stripHeaders, h.checkRequest, limitBody, h.recoverPanics, h.observe} {
		h.chain = middleware(h.chain)
	}
	return h, nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.chain.ServeHTTP(w, r) }

func (o Options) missing() error {
	var errs []error
	for _, part := range []struct {
		name string
		here bool
	}{
		{"Stripper", o.Stripper != nil}, {"Cookie", o.Cookie != nil}, {"Sessions", o.Sessions != nil}, {"Principals", o.Principals != nil},
		{"Log", o.Log != nil}, {"Portal or AuthPrefix", (o.Portal == nil) == (o.AuthPrefix == "")},
	} {
		if !part.here {
			errs = append(errs, fmt.Errorf("proxy options lack %s", part.name))
		}
	}
	return errors.Join(errs...)
}

func (h *Handler) route(o Options) error {
	var errs []error
	if o.AuthPrefix != "" {
		prefix, err := rulePath(o.AuthPrefix, o.FoldPaths)
		if err == nil && prefix == "" {
			err = errors.New(`it must be below "/"`)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("auth_prefix: %w", err))
		}
		h.prefix, h.verifyAt = prefix, strings.TrimSuffix(o.AuthPrefix, "/")+verifyPage
	}
	routes := make([]*route, 0, len(o.Routes))
	for _, from := range o.Routes {
		r, err := newRoute(from)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		routes = append(routes, r)
		h.every.add(r)
		h.methods = h.methods || len(r.Methods) > 0
	}
	table, err := newTable(routes, o.FoldPaths)
	h.table = table
	return errors.Join(append(errs, err)...)
}

// isPortal reports whether a reading is one of our own pages.
func (h *Handler) isPortal(reading string) bool {
	rest, ok := strings.CutPrefix(reading, h.prefix)
	return ok && h.prefix != "" && (rest == "" || rest[0] == '/')
}
