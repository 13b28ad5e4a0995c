package proxy

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// route is a Route as requests meet it.
type route struct {
	Route
	segments int    // to strip
	stripped string // that part of the path, escaped, without slash at its end
	rebased  bool   // the upstream sees another path than the rules: StripPrefix, or a path in the upstream's URL
}

func newRoute(from Route) (*route, error) {
	if from.Path == "" {
		from.Path = "/"
	}
	r := &route{Route: from}
	if name := from.namedTwice(); name != "" {
		return nil, errors.New("route " + r.name() + ": the identity header " + name + " is given twice")
	}
	if from.Upstream == nil {
		if from.Access.Mode != ModeDeny && !from.NoUpstream {
			return nil, errors.New("route " + r.name() + ": no upstream")
		}
		return r, nil
	}
	if from.StripPrefix {
		r.segments = strings.Count(strings.TrimSuffix(from.Path, "/"), "/")
		r.stripped = (&url.URL{Path: strings.TrimSuffix(from.Path, "/")}).EscapedPath()
	}
	r.rebased = r.segments > 0 || strings.Trim(from.Upstream.Target().EscapedPath(), "/") != ""
	return r, nil
}

// namedTwice finds a header in which two identities would speak.
func (r Route) namedTwice() string {
	if r.Identity == nil {
		return ""
	}
	seen := map[string]bool{}
	for _, name := range r.Identity.Names() {
		if name = http.CanonicalHeaderKey(name); seen[name] {
			return name
		}
		seen[name] = true
	}
	return ""
}

// name is how logs and people know the route.
func (r *route) name() string { return r.Host + r.Path }

// forwardPath is the path the upstream gets for raw, byte for byte but for the prefix. Segments of raw and of its first
// reading are the same, as no reading of ours decodes a slash there.
func (r *route) forwardPath(raw string) string {
	for range r.segments {
		next := strings.IndexByte(raw[1:], '/')
		if next < 0 {
			raw = "/"
			break
		}
		raw = raw[1+next:]
	}
	return strings.TrimSuffix(r.Upstream.Target().EscapedPath(), "/") + raw
}
