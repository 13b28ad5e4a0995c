package proxy

import (
	"net/http"
	"net/url"
	"strings"
)

// HeaderChanges are made to the headers of a request or an answer: first Remove, then Set.
type HeaderChanges struct {
	Set    []Field
	Remove []string
}

func (c HeaderChanges) apply(h http.Header) {
	for _, name := range c.Remove {
		h.Del(name)
	}
	for _, field := range c.Set {
		h.Set(field.Name, field.Value)
	}
}

// preflight reports whether r asks, as browsers do before a request of another origin, what may be sent (Fetch 4.8), and every reading of its
// path is on a route that answers that to everybody. It has no body, and is sent without credentials.
func (c choice) preflight(r *http.Request) bool {
	if r.Method != http.MethodOptions || r.ContentLength != 0 || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	for _, other := range c.others {
		if !other.Preflight && other.Access.Mode != ModePublic {
			return false
		}
	}
	return c.route.Preflight
}

// rewriteAnswer makes addresses of an upstream's answer those that the browser knows.
func (r *route) rewriteAnswer(h http.Header, a arrival) {
	if r.RewriteRedirects {
		for _, name := range [...]string{"Location", "Content-Location"} {
			if location := h.Get(name); location != "" {
				h.Set(name, r.publicURL(location, a))
			}
		}
	}
	if r.RewriteCookiePath && r.stripped != "" {
		lines := h["Set-Cookie"]
		for i, line := range lines {
			lines[i] = r.publicCookie(line)
		}
	}
}

// publicURL is location as the browser has to ask for it. Addresses of others, and those that we cannot read, stay as they are.
func (r *route) publicURL(location string, a arrival) string {
	u, err := url.Parse(location)
	if err != nil || u.User != nil || u.Opaque != "" {
		return location
	}
	host := u.Host
	switch target := r.Upstream.Target(); {
	case host == "" && u.Scheme == "" && strings.HasPrefix(location, "/"):
	case u.Scheme != "http" && u.Scheme != "https":
		return location
	case strings.EqualFold(host, target.Host) && u.Scheme == target.Scheme, strings.EqualFold(host, a.Host):
		u.Scheme, u.Host = schemeOf(a), a.Host
	default:
		return location
	}
	path, ok := r.publicPath(u.EscapedPath())
	if !ok || strings.HasPrefix(path, "//") || strings.HasPrefix(path, `/\`) { // that would name another host
		return location
	}
	rest := ""
	if i := strings.IndexAny(location, "?#"); i >= 0 {
		rest = location[i:]
	}
	if host == "" {
		return path + rest
	}
	return u.Scheme + "://" + u.Host + path + rest
}

// publicPath undoes forwardPath. False: the path is not below the upstream's own.
func (r *route) publicPath(path string) (string, bool) {
	base := strings.TrimSuffix(r.Upstream.Target().EscapedPath(), "/")
	rest, ok := strings.CutPrefix(path, base)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	if rest == "" {
		rest = "/"
	}
	return r.stripped + rest, true
}

// publicCookie puts the Path attribute below the stripped path (RFC 6265 4.1.2.4).
func (r *route) publicCookie(line string) string {
	parts := strings.Split(line, ";")
	for i, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		if !strings.EqualFold(strings.Trim(name, " \t"), "Path") {
			continue
		}
		if path, ok := r.publicPath(strings.Trim(value, " \t")); ok {
			parts[i+1] = " Path=" + path
		}
	}
	return strings.Join(parts, ";")
}
