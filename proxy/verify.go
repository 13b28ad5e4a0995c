package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// verifyPage is where proxies that only ask for a verdict do so, below the portal's prefix.
const verifyPage = "/verify"

var (
	errToldTwice = errors.New("the original address or method is told in two ways that differ")
	errOriginal  = errors.New("the original address is not one")
	errNoMethod  = errors.New("the original method is not told, and there are routes for single methods")
)

// original is the request that another proxy asks about. An empty uri was not told, or by nobody who is believed.
type original struct {
	method, uri string
}

// verifies reports whether r asks for a verdict. What follows the page in the path is the original path (Envoy's path_prefix).
func (h *Handler) verifies(r *http.Request) (suffix string, ok bool) {
	if h.verifyAt == "" {
		return "", false
	}
	suffix, ok = strings.CutPrefix(rawPath(r), h.verifyAt)
	return suffix, ok && (suffix == "" || suffix[0] == '/')
}

// verify answers a proxy that asks (nginx auth_request, Traefik ForwardAuth, Caddy forward_auth, Envoy ext_authz): 200, 401, 403,
// and 503 for a fault; nothing else, as some of them know no more.
func (h *Handler) verify(w http.ResponseWriter, r *http.Request, suffix string) {
	rec := recordOf(r.Context())
	rec.verdict = true
	answer := verifyAnswer{proxyAnswer: h.own}
	o, err := originalOf(r, rec, suffix)
	var c choice
	if err == nil {
		r = o.request(r)
		c, err = h.chooseOriginal(r, o)
	}
	switch {
	case err != nil:
		rec.err, rec.event = err, "request_refused"
		answer.refuse(w, r, err)
	case c.portal: // its pages are for everybody; refusing the login page would send browsers in circles
		rec.route = RoutePortal
		answer.Allowed(w, r, Pass{})
	default:
		rec.route = c.route.name()
		h.guard.serve(w, r, c, answer)
	}
}

// chooseOriginal judges the original request as the proxy would. An address that is not known could be any: every rule has to
// be satisfied.
func (h *Handler) chooseOriginal(r *http.Request, o original) (choice, error) {
	if o.uri == "" {
		if h.every.route == nil {
			return choice{}, errNoRoute
		}
		return h.every, nil
	}
	if o.method == "" && h.methods {
		return choice{}, errNoMethod
	}
	var allow []string
	c, _, err := h.match(nil, recordOf(r.Context()).Host, r, &allow)
	return c, err
}

// originalOf finds out what a trusted peer asks about. Each dialect has its own headers, and proxies pass on those of the others
// that a client has sent: what is told twice must be the same. Of an untrusted peer nothing is believed.
func originalOf(r *http.Request, rec *record, suffix string) (original, error) {
	if !rec.trusted {
		return original{}, nil
	}
	uris, err := rec.originalURL(r.Header)
	if err != nil {
		return original{}, err
	}
	uris = append(uris, told(r.Header, "X-Original-Uri", "X-Forwarded-Uri")...)
	methods := told(r.Header, "X-Original-Method", "X-Forwarded-Method")
	if suffix != "" {
		uris, methods = append(uris, withQuery(suffix, r.URL)), append(methods, r.Method)
	}
	if len(slices.Compact(uris)) > 1 || len(slices.Compact(methods)) > 1 {
		return original{}, errToldTwice
	}
	var o original
	if len(methods) > 0 {
		o.method = methods[0]
	}
	if len(uris) > 0 {
		o.uri = uris[0]
	}
	return o, o.check()
}

// told is what the headers of these names say; nothing is said by an empty one.
func told(h http.Header, names ...string) (values []string) {
	for _, name := range names {
		for _, line := range h[name] {
			if line != "" {
				values = append(values, line)
			}
		}
	}
	return values
}

// originalURL reads ingress-nginx's X-Original-URL. Its authority is the one asked for, where X-Forwarded-Host does not name another.
func (w *record) originalURL(h http.Header) ([]string, error) {
	lines := told(h, "X-Original-Url")
	for i, line := range lines {
		u, err := url.Parse(line)
		if err != nil || !isAbsolute(line) {
			return nil, errOriginal
		}
		name, ok := hostName(u.Host)
		switch already, _ := hostName(w.Host); {
		case !ok:
			return nil, errOriginal
		case len(h["X-Forwarded-Host"]) > 0 && already != name:
			return nil, errToldTwice
		}
		w.Host = u.Host
		if len(h["X-Forwarded-Proto"]) == 0 {
			w.Secure = w.Secure || strings.EqualFold(u.Scheme, "https")
		}
		_, rest, _ := strings.Cut(line, "://")
		if slash := strings.IndexAny(rest, "/?#"); slash >= 0 {
			lines[i] = rest[slash:]
		} else {
			lines[i] = "/"
		}
	}
	return lines, nil
}

func withQuery(path string, u *url.URL) string {
	if u.RawQuery != "" || u.ForceQuery {
		return path + "?" + u.RawQuery
	}
	return path
}

func (o original) check() error {
	if o.uri == "" {
		return nil
	}
	if o.uri[0] != '/' || badTarget(o.uri) || len(o.uri) > maxTarget || len(o.method) > maxMethod || refusedMethod(o.method) {
		return errOriginal
	}
	_, err := url.ParseRequestURI(o.uri)
	if err != nil {
		return errOriginal
	}
	return nil
}

// request is r as if it were the original one: what an [Answer] says of it is right for the browser behind the asking proxy.
func (o original) request(r *http.Request) *http.Request {
	asked := r.WithContext(r.Context())
	if o.method != "" {
		asked.Method = o.method
	}
	asked.RequestURI = "/"
	if o.uri != "" {
		asked.RequestURI = o.uri
	}
	asked.URL, _ = url.ParseRequestURI(asked.RequestURI) // checked
	recordOf(r.Context()).original = strings.TrimSpace(o.method + " " + o.uri)
	return asked
}
