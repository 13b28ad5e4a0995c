package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	leastHSTS = 365 * 24 * time.Hour // ASVS 3.4.1
	// defaultTimeout is that of routes in the table of fields.
	defaultTimeout = 5 * time.Minute
	shortKey       = 32 // bytes; Django's own keys have 50 (core/checks/security/base.py warns below that)
	wholeWeb4      = "0.0.0.0/0"
	wholeWeb6      = "::/0"
)

// normalize gives everything that can be written in several ways one form.
func (l *loading) normalize(cfg *Config) {
	cfg.PublicURL = strings.TrimSuffix(cfg.PublicURL, "/")
	cfg.Upstream.normalize()
	cfg.TLS.normalize()
	l.applyPreset(&cfg.Session)
	cfg.short = len(cfg.Routes) == 0
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		r.Host = strings.ToLower(strings.Trim(r.Host, "[]"))
		r.Upstream.normalize()
		if len(r.Upstream) == 0 && r.Access != "deny" {
			r.Upstream = slices.Clone(cfg.Upstream)
		}
	}
	if cfg.short {
		cfg.Routes = []Route{{Path: "/", Access: "login", Touch: true, Upstream: slices.Clone(cfg.Upstream), Timeout: defaultTimeout,
			Identity: cfg.Identity, Connection: cfg.Connection, FastCGI: cfg.FastCGI, Balance: cfg.Balance}}
	}
}

func (t *TLS) normalize() {
	for i, name := range t.Domains {
		t.Domains[i] = strings.ToLower(name)
	}
}

// normalize writes unix:///path as unix:/path.
func (u Upstreams) normalize() {
	for i, text := range u {
		if path, found := strings.CutPrefix(text, "unix://"); found {
			u[i] = "unix:" + path
		}
	}
}

// check looks at what single values cannot tell: what is missing, and what does not go together.
func (l *loading) check(cfg *Config) {
	l.checkListeners(cfg)
	l.checkSecretKey(cfg)
	l.checkCookie(&cfg.Session, cfg.PublicURL)
	l.checkLimits(&cfg.Session)
	l.checkCookieReach(cfg)
	l.checkEngine(cfg)
	l.checkTLS(cfg)
	l.checkAudit(cfg.Log)
	l.checkLogin(cfg)
	l.checkIdentity("identity", cfg.Identity)
	l.checkAssertions(cfg)
	l.checkSessionAPI(cfg)
	if !cfg.short {
		l.checkRoutes(cfg)
	}
	l.checkLoops(cfg)
}

func (l *loading) checkListeners(cfg *Config) {
	if cfg.ProxyProtocol && len(cfg.TrustedProxies) == 0 {
		l.bad("proxy_protocol", "needs trusted_proxies: from anybody else the announcement is not believed")
	}
	_, number, _ := splitHostPort(cfg.Listen)
	if cfg.Listen == cfg.AdminListen && number != "0" {
		l.bad("admin_listen", "is the same as listen; choose another port")
	}
	if host, _, ok := splitHostPort(cfg.AdminListen); ok && !loopback(host) {
		l.warn("admin_listen", "can be reached from other machines, and metrics tell much; keep it on 127.0.0.1 or behind a firewall")
	}
	for i, p := range cfg.TrustedProxies {
		if text := p.String(); text == wholeWeb4 || text == wholeWeb6 {
			l.warn(fmt.Sprintf("trusted_proxies[%d]", i), "believes everybody who sends X-Forwarded-For; name your proxies' networks")
		}
	}
}

func (l *loading) checkAudit(log Log) {
	if log.AuditRequired && log.Audit == "" {
		l.bad("log.audit_required", "needs log.audit, the file that has to be writable")
	}
}

func (l *loading) checkSecretKey(cfg *Config) {
	if !cfg.SecretKey.Empty() && len(cfg.SecretKey.Reveal()) < shortKey {
		l.warn(l.written("secret_key", cfg.SecretKeyFile), "is shorter than %d bytes and could be guessed; make one with: openssl rand -base64 48", shortKey)
	}
}

func (l *loading) written(key, file string) string {
	if file != "" {
		return key + "_file"
	}
	return key
}

func (l *loading) checkCookie(s *Session, public string) {
	if s.CookieAge < time.Second || s.CookieAge%time.Second != 0 {
		l.bad("session.cookie_age", "must be whole seconds, at least one")
	}
	if s.CookieSameSite == "None" && s.CookieSecure == "false" {
		l.bad("session.cookie_samesite", "needs cookie_secure: browsers drop SameSite=None cookies that are not Secure")
	}
	name := strings.ToLower(s.CookieName)
	host := strings.HasPrefix(name, "__host-")
	if (host || strings.HasPrefix(name, "__secure-")) && s.CookieSecure == "false" {
		l.bad("session.cookie_secure", "does not go with a __Host- or __Secure- cookie_name: browsers drop such a cookie that is not Secure")
	}
	if host && s.CookieDomain != "" {
		l.bad("session.cookie_domain", "does not go with a __Host- cookie_name: such a cookie belongs to one host; leave the domain empty")
	}
	if host && s.CookiePath != "/" {
		l.bad("session.cookie_path", "does not go with a __Host- cookie_name: such a cookie has the path /")
	}
	switch secure := s.CookieSecure; {
	case secure == "false" && strings.HasPrefix(public, "https:"):
		l.warn("session.cookie_secure", "sends the session over plain http, too, though public_url is https; use auto or true")
	case secure == "true" && strings.HasPrefix(public, "http:"):
		l.warn("session.cookie_secure", "keeps browsers from sending the cookie to public_url, which is plain http: nobody can log in")
	case secure == "auto" && (host || s.CookieSameSite == "None") && !strings.HasPrefix(public, "https:"):
		l.warn("session.cookie_secure", "is auto, and by plain http browsers drop this cookie; set cookie_secure: true or an https public_url")
	}
}

// checkCookieReach: a cookie that the portal or the public host never gets back logs nobody in.
func (l *loading) checkCookieReach(cfg *Config) {
	path := strings.TrimSuffix(cfg.Session.CookiePath, "/")
	if path != cfg.AuthPrefix && !strings.HasPrefix(cfg.AuthPrefix, path+"/") {
		l.warn("session.cookie_path", "does not cover auth_prefix %s: logout and the login page will not see the session", cfg.AuthPrefix)
	}
	u, err := url.Parse(cfg.PublicURL)
	domain := strings.ToLower(strings.TrimPrefix(cfg.Session.CookieDomain, "."))
	if err != nil || u.Host == "" || domain == "" {
		return
	}
	if host := strings.ToLower(u.Hostname()); host != domain && !strings.HasSuffix(host, "."+domain) {
		l.warn("session.cookie_domain", "is not the domain of public_url: browsers drop the cookie")
	}
}

func (l *loading) checkEngine(cfg *Config) {
	engine := cfg.Session.Engine
	if (engine == "cache" || engine == "cached_db") && cfg.Cache.URL.Empty() {
		l.bad("session.engine", "needs cache.url")
	}
}

func (l *loading) checkTLS(cfg *Config) {
	t := cfg.TLS
	if (t.CertFile == "") != (t.KeyFile == "") {
		l.bad("tls.cert_file", "and key_file go together; give both")
	}
	if t.CertFile != "" && len(t.Domains) > 0 {
		l.bad("tls.domains", "and cert_file exclude each other; keep one")
	}
	if t.On() && cfg.Session.CookieSecure == "false" {
		l.bad("session.cookie_secure", "is false though tls is on; use auto or true")
	}
	if plain := t.PlainListen(); plain != "" && (plain == cfg.Listen || plain == cfg.AdminListen) {
		l.bad("tls.http_listen", "is the address of another listener; choose another port")
	}
	if t.PlainListen() != "" && !t.On() {
		l.warn("tls.http_listen", "is not used without cert_file or domains: listen itself is plain http")
	}
	if t.HSTS%time.Second != 0 {
		l.bad("tls.hsts", "must be whole seconds")
	} else if t.On() && t.HSTS > 0 && t.HSTS < leastHSTS {
		l.warn("tls.hsts", "is shorter than a year, which is too short to last (365d)")
	}
	l.checkCertificates(cfg)
}

func (l *loading) checkCertificates(cfg *Config) {
	t := cfg.TLS
	switch {
	case t.Storage != "redis":
	case cfg.Cache.URL.Empty():
		l.bad("tls.storage", "needs cache.url")
	case strings.HasPrefix(cfg.Cache.URL.Reveal(), "memcached:"):
		l.bad("tls.storage", "cannot be in memcached, which forgets what it has no room for and has no locks; use database or file, or a Redis for cache.url")
	}
	if t.CertFile != "" && t.OnDemand.Ask != "" {
		l.bad("tls.on_demand.ask", "and cert_file exclude each other; keep one")
	}
	if t.OnDemand.Ask == "routes" && !slices.ContainsFunc(cfg.Routes, func(r Route) bool { return r.Host != "" }) {
		l.bad("tls.on_demand.ask", "is routes, but no route has a host")
	}
	if t.ClientAuth != "off" && t.ClientCA == "" {
		l.bad("tls.client_auth", "needs client_ca_file")
	}
	if t.ClientAuth != "off" && !t.On() {
		l.bad("tls.client_auth", "needs cert_file or domains: only TLS has certificates of clients")
	}
	if t.ClientAuth == "off" && t.ClientCA != "" {
		l.warn("tls.client_ca_file", "is not used while client_auth is off")
	}
}

func (l *loading) checkLogin(cfg *Config) {
	if cfg.Login.MaxAttempts == 0 {
		l.warn("login.max_attempts", "switches the throttle off: passwords can be guessed as fast as they can be checked")
	}
	for i, f := range cfg.Users.PasswordFormats {
		if f == "plain" || strings.HasPrefix(f, "unsalted_") {
			l.warn(fmt.Sprintf("users.password_formats[%d]", i), "accepts passwords that whoever reads the table can read or look up")
		}
	}
	for key, column := range map[string]string{"id": cfg.Users.Columns.ID, "username": cfg.Users.Columns.Username, "password": cfg.Users.Columns.Password} {
		if column == "" {
			l.bad("users.columns."+key, "must name a column")
		}
	}
}

func (l *loading) checkIdentity(path string, id Identity) {
	seen := map[string]bool{}
	for i, h := range id.Headers {
		at := fmt.Sprintf("%s.headers[%d]", path, i)
		if h.Name == "" {
			l.bad(at+".name", "is missing: name the header, such as Remote-User")
		}
		if h.Value == "" {
			l.bad(at+".value", "is missing: say what the header holds, such as username")
		}
		if name := strings.ToLower(h.Name); name != "" && seen[name] {
			l.bad(at+".name", "is a header that is given twice")
		} else {
			seen[name] = true
		}
	}
}
