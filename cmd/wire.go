package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/activity"
	"coatcheck/auth/passwordpolicy"
	"coatcheck/internal/config"
	"coatcheck/proxy"
	"coatcheck/proxy/assertion"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/health"
	"coatcheck/proxy/identity"
	"coatcheck/proxy/portal"
	"coatcheck/proxy/sessioncookie"
)

// wire builds the running proxy out of the parts and the rest of the configuration.
func (p *parts) wire() (*running, error) {
	cookie, err := p.cookie()
	if err == nil {
		err = p.openTokens()
	}
	if err != nil {
		return nil, err
	}
	policy, err := passwordpolicy.New(p.cfg.Users.PasswordValidators, p.cfg.Users.PasswordMinLength)
	if err != nil {
		return nil, fmt.Errorf("users.password_validators: %w", err)
	}
	service := auth.NewService(auth.Options{
		Directory: p.metrics.Directory(p.users), Rows: p.near.kept(), Checker: p.users, Throttle: p.throttle, Keys: p.keys, Sessions: p.settings,
		Passwords: p.users, Policy: policy,
		AcceptBackends: p.cfg.Users.Backends, RecordLogin: p.users.RecordLogin, Log: p.log, Attrs: requestAttrs, Now: time.Now,
	})
	logins := sessionAuth{service, p.register(), p.log}
	p.active = logins.register.Active
	pages, err := p.portal(cookie, auditedAuth{logins, p.audit}, logins.register)
	if err != nil {
		return nil, err
	}
	handler, err := p.proxy(cookie, logins, pages)
	if err != nil {
		return nil, err
	}
	background := append(p.background, logins.register.Run, func(ctx context.Context) { clean(ctx, p.chores(logins.register), p.leads, p.log) })
	r := newRunning(p, p.metrics.InFlight(handler), p.admin(), background...)
	if p.tokens != nil {
		r.api = p.sessionAPI(auditedAuth{logins, p.audit})
	}
	return r, nil
}

// admin answers operators: health and metrics.
func (p *parts) admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", health.New(time.Now, p.checks()...))
	mux.Handle("GET /metrics", p.metrics.Handler())
	return mux
}

func (p *parts) chores(register *activity.Register) []chore {
	return []chore{
		{what: "sessions beyond their limits", run: register.EndDue},
		{what: "rows of former sessions", run: p.ledger.ClearRevoked},
		{what: "expired sessions", run: p.store.ClearExpired, each: p.cfg.Session.Engine == "file"}, // maybe of this machine alone
		{what: "old failed logins", run: p.throttle.Clear},
	}
}

// leads reports whether this process cleans for its fleet now.
func (p *parts) leads(ctx context.Context) (bool, error) {
	return p.leases.Take(ctx, "clean", cleanLease)
}

// checks are what has to answer before the proxy is ready.
func (p *parts) checks() []health.Check {
	checks := []health.Check{
		{Name: "database", Ask: p.users.Check}, // a ping would not notice that an SQLite file is broken
		{Name: "sessions", Ask: p.askSessions},
	}
	if p.cache != nil && p.cfg.Session.Engine == "cache" { // cached_db does without
		checks = append(checks, health.Check{Name: "cache", Ask: p.cache.Ping})
	}
	if p.cfg.Log.AuditRequired {
		checks = append(checks, health.Check{Name: "audit log", Ask: p.audit.Check})
	}
	return checks
}

// askSessions looks for a session that nobody has.
func (p *parts) askSessions(ctx context.Context) error {
	_, err := p.sessions.Open(ctx, p.sessions.NewKey())
	return err
}

// requestAttrs says in a security event which request it was.
func requestAttrs(ctx context.Context) []slog.Attr {
	f := facts.From(ctx)
	attrs := []slog.Attr{slog.String("request_id", f.RequestID)}
	if f.TraceID != "" {
		attrs = append(attrs, slog.String("trace_id", f.TraceID))
	}
	if f.Client.IsValid() {
		attrs = append(attrs, slog.String("client", f.Client.String()))
	}
	return attrs
}

func (p *parts) cookie() (*sessioncookie.Cookie, error) {
	s := p.cfg.Session
	o := sessioncookie.Options{
		Name: s.CookieName, Domain: s.CookieDomain, Path: s.CookiePath, SameSite: s.CookieSameSite,
		Secure:   map[string]sessioncookie.Secure{"auto": sessioncookie.SecureAuto, "true": sessioncookie.SecureAlways, "false": sessioncookie.SecureNever}[s.CookieSecure],
		HTTPOnly: s.CookieHTTPOnly, Now: time.Now,
	}
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("session cookie: %w", err)
	}
	return sessioncookie.New(o), nil
}

func (p *parts) portal(cookie *sessioncookie.Cookie, service portal.Auth, register *activity.Register) (http.Handler, error) {
	logo, err := readLogo(p.cfg.Login.Logo)
	if err != nil {
		return nil, err
	}
	return portal.New(portal.Options{
		Prefix: p.cfg.AuthPrefix, PublicURL: p.cfg.PublicURL,
		Auth: service, Sessions: p.sessions, Cookie: cookie, Devices: devices{register},
		Look: p.look, Text: p.cfg.Login.Text, Logo: logo, Setup: p.setup(),
		CookieAge: p.settings.CookieAge, ExpireAtBrowserClose: p.settings.ExpireAtBrowserClose, RememberMe: p.cfg.Login.RememberMe,
		Log: p.log,
	})
}

// readLogo reads the picture of the login page.
func readLogo(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	logo, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("login.logo: %w", err)
	}
	return logo, nil
}

func (p *parts) proxy(cookie *sessioncookie.Cookie, logins sessionAuth, pages http.Handler) (*proxy.Handler, error) {
	public, err := url.Parse(p.cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("public_url: %w", err)
	}
	signer, err := p.assertions()
	if err != nil {
		return nil, err
	}
	routes, names, err := p.routes(signer)
	if err != nil {
		return nil, err
	}
	return proxy.New(proxy.Options{
		Routes: routes, Portal: pages, Pages: keyPages(signer), AuthPrefix: p.cfg.AuthPrefix, PublicURL: public,
		TrustedProxies: p.cfg.TrustedProxies, FoldPaths: p.cfg.FoldPaths, Live: p.live, Tokens: p.tokens,
		Stripper: identity.NewStripper(names...), Cookie: cookie, Sessions: p.sessions, Principals: auditedAuth{logins, p.audit}, Logins: auditedLogins{auth.NewCredentials(logins.Service), p.audit},
		Activity: logins.register, TimeLeftHeader: p.cfg.Session.TimeLeftHeader,
		Trace: proxy.Trace{Trusted: p.cfg.Trace.Accept == "trusted", Create: p.cfg.Trace.Create},
		Look:  p.look, Log: p.log, Now: time.Now, Observe: p.metrics.Observe, HSTS: hsts(p.cfg.TLS),
	})
}

// hsts is the value of Strict-Transport-Security; empty: not sent.
func hsts(t config.TLS) string {
	if !t.On() || t.HSTS == 0 {
		return ""
	}
	return fmt.Sprintf("max-age=%d", t.HSTS/time.Second)
}

// routes turns the configured routes into the proxy's, one upstream for each URL, and collects the names of all identity headers.
func (p *parts) routes(signer *assertion.Signer) (routes []proxy.Route, names []string, err error) {
	upstreams := map[string]proxy.Upstream{}
	for _, r := range p.cfg.Routes {
		headers, visitors, err := p.identity(r, signer)
		if err != nil {
			return nil, nil, fmt.Errorf("route %s%s: %w", r.Host, r.Path, err)
		}
		names = append(names, headers.Names()...)
		credentials, err := basicAuth(r.Identity.BasicAuth)
		if err != nil {
			return nil, nil, fmt.Errorf("route %s%s: %w", r.Host, r.Path, err)
		}
		to, err := p.upstream(upstreams, r)
		if err != nil {
			return nil, nil, fmt.Errorf("upstream of route %s%s: %w", r.Host, r.Path, err)
		}
		routes = append(routes, proxy.Route{
			Host: r.Host, Path: r.Path, Methods: r.Methods, Access: access(r), Upstream: to,
			StripPrefix: r.StripPrefix, Identity: headers, ShareSession: r.ShareSession,
			AnonymousSession: r.AnonymousSession && visitors, SessionAPI: r.SessionAPI, NoTouch: !r.Touch, MaxAuthAge: r.MaxAuthAge, Basic: r.Basic, NoUpstream: to == nil,
			Credentials: credentials, Preflight: r.Preflight, SocketOrigins: r.SocketOrigins, MaxBody: r.MaxBody, Trailers: r.Trailers || speaksH2C(r), // gRPC ends in trailers

			Request: headerChanges(r.Headers.Request), Response: headerChanges(r.Headers.Response),
			RewriteRedirects: r.RewriteRedirects, RewriteCookiePath: r.RewriteCookies,
		})
	}
	return routes, names, nil
}

func access(r config.Route) proxy.Access {
	return proxy.Access{
		Mode:  map[string]proxy.Mode{"login": proxy.ModeLogin, "optional": proxy.ModeOptional, "public": proxy.ModePublic, "deny": proxy.ModeDeny}[r.Access],
		Users: r.Users, Groups: r.Groups, Staff: r.Staff, Superuser: r.Superuser, Networks: r.Networks,
	}
}
