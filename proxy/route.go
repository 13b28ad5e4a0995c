package proxy

import (
	"errors"
	"strings"
)

// route is a Route as requests meet it.
type route struct {
	Route
	segments int  // to strip
	rebased  bool // the upstream sees another path than the rules: StripPrefix, or a path in the upstream's URL
}

func newRoute(from Route) (*route, error) {
	if from.Path == "" {
		from.Path = "/"
	}
	r := &route{Route: from}
	if from.Upstream == nil {
		if from.Access.Mode != ModeDeny && !from.NoUpstream {
			return nil, errors.New("route " + r.name() + ": no upstream")
		}
		return r, nil
	}
	if from.StripPrefix {
		r.segments = strings.Count(strings.TrimSuffix(from.Path, "/"), "/")
	}
	r.rebased = r.segments > 0 || strings.Trim(from.Upstream.Target().EscapedPath(), "/") != ""
	return r, nil
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
