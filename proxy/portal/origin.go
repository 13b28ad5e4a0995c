package portal

import (
	"log/slog"
	"net/http"
	"strings"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
)

// sameOrigin refuses a post that a page of another origin has made, and reports whether r may go on (ASVS 3.5.1). Sec-Fetch-Site
// decides, where a browser sends it (not over plain http); otherwise Origin against the host that the browser asked for. A client
// without both is no browser.
func (p *Portal) sameOrigin(w http.ResponseWriter, r *http.Request) bool {
	err := p.guard.Check(asAsked(r))
	if err == nil && !downgraded(r) {
		return true
	}
	p.opts.Log.LogAttrs(r.Context(), slog.LevelWarn, "security event", slog.String("event", "cross_origin_refused"),
		slog.String("request_id", facts.From(r.Context()).RequestID), slog.String("path", r.URL.Path))
	problem.Write(w, r, problem.Problem{
		Status: http.StatusForbidden,
		Title:  "problem.other-site",
		Detail: "problem.other-site-detail",
		Hint:   "problem.other-site-hint",
		Link:   p.pageOf(r.URL.Path), LinkText: "problem.open-page",
	})
	return false
}

// pageOf is the page whose form posts to path.
func (p *Portal) pageOf(path string) string {
	if strings.HasPrefix(path, p.accountPath()) {
		return p.accountPath()
	}
	if path == p.factorPath() {
		return p.loginPath()
	}
	return path
}

// asAsked is r with the authority that the browser asked for, as a trusted proxy names it.
func asAsked(r *http.Request) *http.Request {
	host := requestHost(r)
	if host == r.Host {
		return r
	}
	asked := *r
	asked.Host = host
	return &asked
}

func requestHost(r *http.Request) string {
	if host := facts.From(r.Context()).Host; host != "" {
		return host
	}
	return r.Host
}

// downgraded sees what [http.CrossOriginProtection] cannot, since it does not know the scheme: a page of http://host that posts to
// https://host, and an Origin "null" to a request without Host.
func downgraded(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return false
	}
	return requestHost(r) == "" || facts.From(r.Context()).Secure && strings.HasPrefix(origin, "http:")
}

// nextOrigins are the origins that next may name: the one asked for, and public_url's. Over https none of plain http.
func (p *Portal) nextOrigins(r *http.Request) []string {
	var origins []string
	secure := facts.From(r.Context()).Secure
	if host := requestHost(r); host != "" {
		origins = append(origins, "https://"+host)
		if !secure {
			origins = append(origins, "http://"+host)
		}
	}
	if p.public != "" && (!secure || strings.HasPrefix(p.public, "https:")) {
		origins = append(origins, p.public)
	}
	return origins
}

// queryNext is the next of a page's address, or "" when there is none that is safe.
func (p *Portal) queryNext(r *http.Request) string {
	values := r.URL.Query()["next"]
	if len(values) != 1 {
		return ""
	}
	next, _ := safeNext(values[0], p.nextOrigins(r))
	return next
}
