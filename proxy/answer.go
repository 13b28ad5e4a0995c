package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
)

// Pass is what a request was found to be worth. It is not changed once it is handed on.
type Pass struct {
	// Principal is whom the request speaks for; anonymous on public routes, where nobody looked.
	Principal auth.Principal

	choice   choice
	guard    *guard // that looked
	keep     string // the session key that an upstream may see that shares the session
	lookedAt bool   // the session was: the answer depends on the cookie
	cookie   string // Set-Cookie line; "" for none
	basic    bool   // credentials are taken
	stale    bool   // there is a login, but too old a one
}

// Answer turns a verdict into HTTP.
type Answer interface {
	Allowed(w http.ResponseWriter, r *http.Request, p Pass)
	NeedLogin(w http.ResponseWriter, r *http.Request, p Pass)
	Forbidden(w http.ResponseWriter, r *http.Request, p Pass, v Verdict)
}

// proxyAnswer is the [Answer] of the reverse proxy: forward, send to the login page, refuse.
type proxyAnswer struct {
	forward *forward
	hosts   map[string]bool // ours; all of them where it is empty
	public  *url.URL
	prefix  string // of the portal; "" without one
}

func newProxyAnswer(o Options) *proxyAnswer {
	return &proxyAnswer{forward: newForward(o), hosts: ownHosts(o.Routes, nil), public: o.PublicURL, prefix: strings.TrimSuffix(o.AuthPrefix, "/")}
}

func (a *proxyAnswer) Allowed(w http.ResponseWriter, r *http.Request, p Pass) {
	if p.choice.route.Upstream == nil {
		p.mark(w.Header())
		refuse(w, r, problem.Problem{Status: http.StatusNotFound, Detail: "problem.nothing", Hint: "problem.nothing-hint"})
		return
	}
	fields, err := p.identity()
	if err == nil {
		fields, err = p.withCredentials(fields)
	}
	if err != nil {
		recordOf(r.Context()).err = err
		p.mark(w.Header())
		refuse(w, r, problem.Problem{Status: http.StatusInternalServerError, Detail: "problem.identity", Hint: "problem.tell-below"})
		return
	}
	a.forward.serve(w, r, p, fields)
}

// NeedLogin sends a browser's navigation to the login page and tells everything else that it is not logged in.
func (a *proxyAnswer) NeedLogin(w http.ResponseWriter, r *http.Request, p Pass) {
	if a.prefix == "" || !problem.Navigation(r) {
		a.unauthorized(w, r, p, "")
		return
	}
	h := w.Header()
	p.mark(h)
	leaveBody(r)
	h.Set("Location", a.loginURL(r, p, false))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusSeeOther)
}

// unauthorized names a scheme of our own (RFC 9110 11.6.1 demands one): Basic would make browsers ask for a password. Where scripts
// may use it, it comes first. link is where the page leads to; "": nowhere.
func (a *proxyAnswer) unauthorized(w http.ResponseWriter, r *http.Request, p Pass, link string) {
	p.mark(w.Header())
	challenge := "Session"
	if a.prefix != "" {
		challenge += ` login="` + a.prefix + `/login"`
	}
	w.Header().Set("Www-Authenticate", challenge)
	if p.basic {
		w.Header()["Www-Authenticate"] = []string{basicChallenge, challenge}
	}
	page := problem.Problem{Status: http.StatusUnauthorized, Detail: "problem.not-logged-in"}
	if p.stale {
		page.Detail = "problem.login-old"
	}
	switch {
	case link != "":
		page.Link, page.LinkText = link, "problem.log-in"
	case a.prefix != "":
		page.Hint, page.Values = "problem.log-in-at", wording.Values{"address": a.prefix + "/login"}
	}
	refuse(w, r, page)
}

// loginURL is the login page, which brings the browser back here. It is on the public URL's host, unless the request is for
// another host of ours: a session that was begun there would not be known here. absolute is for proxies that resolve a relative
// address against our own (Traefik).
func (a *proxyAnswer) loginURL(r *http.Request, p Pass, absolute bool) string {
	next := rawPath(r)
	if r.URL.RawQuery != "" {
		next += "?" + r.URL.RawQuery
	}
	at := a.prefix + "/login?next=" + url.QueryEscape(next)
	switch {
	case p.stale:
		at += "&again=1"
	case p.cookie != "" && p.keep == "": // it takes away the cookie of a session that is no more
		at += "&ended=1"
	}
	rec := recordOf(r.Context())
	host, _ := hostName(rec.Host)
	public, _ := hostName(a.public.Host)
	switch {
	case public != "" && (host == public || !a.hosts[host]):
		return a.public.Scheme + "://" + a.public.Host + at
	case absolute:
		return schemeOf(rec.arrival) + "://" + rec.Host + at
	}
	return at
}

// Forbidden says who was refused, and to staff by which rule.
func (a *proxyAnswer) Forbidden(w http.ResponseWriter, r *http.Request, p Pass, v Verdict) {
	recordOf(r.Context()).err = fmt.Errorf("refused by rule %s", v.Rule)
	p.mark(w.Header())
	page := problem.Problem{Status: http.StatusForbidden, Detail: "problem.closed", Hint: "problem.closed-hint"}
	if who := p.Principal; !who.Anonymous() {
		page.Detail, page.Hint, page.Values = "problem.forbidden", "problem.forbidden-hint", wording.Values{"user": who.Username}
		if a.prefix != "" {
			page.Link, page.LinkText = a.prefix+"/logout", "problem.switch"
		}
		if who.Staff || who.Superuser {
			page.List = []wording.Text{{Key: "problem.forbidden-rule", Values: wording.Values{"rule": v.Rule}}}
		}
	}
	refuse(w, r, page)
}

func (p Pass) identity() ([]Field, error) {
	if !p.lookedAt || p.choice.route.Identity == nil {
		return nil, nil
	}
	return p.choice.route.Identity.Fields(p.Principal)
}

// withCredentials adds the route's, for somebody who is logged in.
func (p Pass) withCredentials(fields []Field) ([]Field, error) {
	if p.choice.route.Credentials == nil || p.Principal.Anonymous() {
		return fields, nil
	}
	value, err := p.choice.route.Credentials.Authorization(p.Principal)
	if err != nil || value == "" {
		return fields, err
	}
	return append(fields, Field{Name: "Authorization", Value: value}), nil
}

// identityNames are the names of all headers that could tell the identity.
func (p Pass) identityNames() []string {
	if p.choice.route == nil || p.choice.route.Identity == nil {
		return nil
	}
	return p.choice.route.Identity.Names()
}

// mark adds what our look at the session means for an answer (Django contrib/sessions/middleware.py).
func (p Pass) mark(h http.Header) {
	if p.lookedAt {
		p.tellTimeLeft(h)
		mark(h, p.cookie)
	}
}

func mark(h http.Header, cookie string) {
	addVary(h)
	if cookie != "" {
		h.Add("Set-Cookie", cookie)
	}
}

// addVary is Django's patch_vary_headers for Cookie.
func addVary(h http.Header) {
	for _, line := range h["Vary"] {
		for member := range strings.SplitSeq(line, ",") {
			if member = strings.Trim(member, " \t"); member == "*" || strings.EqualFold(member, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}
