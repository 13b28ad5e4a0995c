package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

func (l *loading) checkRoutes(cfg *Config) {
	for i, r := range cfg.Routes {
		at := fmt.Sprintf("routes[%d]", i)
		l.checkAccess(at, r, cfg)
		l.checkUpstreams(at, r)
		l.checkIdentityOverride(at, r)
		l.checkSessions(at, r, cfg)
		if len(r.Upstream) == 0 && r.Access != "deny" {
			l.bad(at+".upstream", "is missing: name the application, here or as upstream at the top")
		}
		if len(r.Upstream) > 1 && slices.Contains(r.Upstream, NoUpstream) {
			l.bad(at+".upstream", "is none and something else; keep one")
		}
		if r.RewriteCookies && !r.StripPrefix {
			l.bad(at+".rewrite_cookie_path", "needs strip_prefix: true; otherwise the upstream knows its path")
		}
		l.checkChanges(at+".headers.request", r.Headers.Request)
		l.checkChanges(at+".headers.response", r.Headers.Response)
		if within(r.Path, cfg.AuthPrefix) {
			l.bad(at+".path", "lies under auth_prefix %s, where our own pages are: the route would never be used", cfg.AuthPrefix)
		}
		for j, earlier := range cfg.Routes[:i] {
			if same(earlier, r, cfg.FoldPaths) && l.sound(at) && l.sound(fmt.Sprintf("routes[%d]", j)) {
				l.bad(at, "has the host, path and methods of routes[%d]; merge the two", j)
				break
			}
		}
	}
}

// checkUpstreams: what the kinds of upstreams need.
func (l *loading) checkUpstreams(at string, r Route) {
	for _, u := range r.Upstream {
		if strings.HasPrefix(u, "fcgi") && r.FastCGI.Root == "" {
			l.bad(at+".fastcgi.root", "is missing: name the document root as the application sees it, such as /var/www/html")
			return
		}
	}
	if f := r.FastCGI; f.Script != "" && (f.Fallback != "" || f.Static) {
		l.bad(at+".fastcgi.script", "is for every path; remove fallback and static, which it leaves nothing to")
	}
	if (r.Connection.CertFile == "") != (r.Connection.KeyFile == "") {
		l.bad(at+".connection.cert_file", "and key_file go together; give both")
	}
}

func (l *loading) checkChanges(at string, c HeaderChanges) {
	for i, h := range c.Set {
		if h.Name == "" {
			l.bad(fmt.Sprintf("%s.set[%d].name", at, i), "is missing: name the header")
		}
	}
}

// sound: what the route covers was read as it was written.
func (l *loading) sound(at string) bool {
	return !slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Key == at || partOf(p.Key, at+".host") || partOf(p.Key, at+".path") || partOf(p.Key, at+".methods")
	})
}

// checkAccess: conditions that nothing would look at are a door somebody believes to be shut.
func (l *loading) checkAccess(at string, r Route, cfg *Config) {
	conditions := []struct {
		name  string
		given bool
	}{{"users", len(r.Users) > 0}, {"groups", len(r.Groups) > 0}, {"staff", r.Staff}, {"superuser", r.Superuser}}
	for _, c := range conditions {
		if c.given && r.Access != "login" {
			l.bad(at+"."+c.name, "works only with access: login; this route has access: %s", r.Access)
		}
	}
	if r.Basic && r.Access != "login" && r.Access != "optional" {
		l.bad(at+".basic", "needs access: login or optional; with access: %s nobody is asked who they are", r.Access)
	}
	if r.Basic && strings.HasPrefix(cfg.PublicURL, "http:") {
		l.warn(at+".basic", "sends passwords with every request, and public_url is plain http: whoever listens on the way has them")
	}
	if r.ShareSession && (r.Access == "public" || r.Access == "deny") {
		l.bad(at+".share_session", "needs access: login or optional; with access: %s no session is looked at", r.Access)
	}
}

func (l *loading) checkIdentityOverride(at string, r Route) {
	if _, ok := l.origins[at+".identity.headers"]; ok {
		l.checkIdentity(at+".identity", r.Identity)
	}
}

// within reports whether path is prefix or below it, by whole segments.
func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// same: both rules match the same requests equally well, so which one counts would be chance. A rule for /x/ covers /x.
func same(a, b Route, fold bool) bool {
	key := func(r Route) string {
		path := strings.TrimSuffix(r.Path, "/")
		if fold {
			path = strings.ToLower(path)
		}
		return r.Host + " " + path
	}
	if key(a) != key(b) {
		return false
	}
	if len(a.Methods) == 0 || len(b.Methods) == 0 {
		return len(a.Methods) == len(b.Methods)
	}
	return slices.ContainsFunc(a.Methods, func(m string) bool { return slices.Contains(b.Methods, m) })
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// checkLoops refuses an upstream that is our own listener: each request would come back until something breaks.
func (l *loading) checkLoops(cfg *Config) {
	keys := map[string]Upstreams{"upstream": cfg.Upstream}
	for i, r := range cfg.Routes {
		if key := fmt.Sprintf("routes[%d].upstream", i); l.origins[key] != (origin{}) {
			keys[key] = r.Upstream
		}
	}
	for key, list := range keys {
		if slices.ContainsFunc(list, func(u string) bool { return loops(u, cfg.Listen) }) {
			l.bad(key, "is our own listen address: requests would go in circles")
		}
	}
}

func loops(upstream, listen string) bool {
	u, err := url.Parse(upstream)
	host, number, ok := splitHostPort(listen)
	if err != nil || !ok || !strings.HasPrefix(u.Scheme, "http") {
		return false
	}
	to := u.Port()
	if to == "" {
		to = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	everywhere := host == "" || net.ParseIP(host).IsUnspecified()
	return to == number && (everywhere && loopback(u.Hostname()) || strings.EqualFold(host, u.Hostname()))
}
