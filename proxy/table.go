package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// table finds routes. A look-up costs one map access per segment, up to the number of segments of the longest prefix,
// however many routes there are.
type table struct {
	hosts map[string]*prefixes // "" holds the routes of every host
	fold  bool
}

type prefixes struct {
	routes map[string][]*route // by path without trailing slash; "" is "/"
	depth  int                 // segments of the longest path
}

func newTable(routes []*route, fold bool) (*table, error) {
	t := &table{hosts: map[string]*prefixes{}, fold: fold}
	var errs []error
	for _, r := range routes {
		if err := t.add(r); err != nil {
			errs = append(errs, fmt.Errorf("route %s: %w", r.name(), err))
		}
	}
	return t, errors.Join(errs...)
}

func (t *table) add(r *route) error {
	prefix, err := rulePath(r.Path, t.fold)
	if err != nil {
		return err
	}
	host := ""
	if r.Host != "" {
		name, ok := hostName(r.Host)
		if !ok {
			return fmt.Errorf("host %q is not a host name", r.Host)
		}
		host = name
	}
	p := t.hosts[host]
	if p == nil {
		p = &prefixes{routes: map[string][]*route{}}
		t.hosts[host] = p
	}
	if slices.ContainsFunc(p.routes[prefix], func(other *route) bool { return overlap(other.Methods, r.Methods) }) {
		return fmt.Errorf("another route has the same host, path and methods")
	}
	p.routes[prefix] = append(p.routes[prefix], r)
	// The route for named methods comes before the one for all.
	slices.SortStableFunc(p.routes[prefix], func(a, b *route) int { return min(len(b.Methods), 1) - min(len(a.Methods), 1) })
	p.depth = max(p.depth, strings.Count(prefix, "/"))
	return nil
}

func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return slices.ContainsFunc(a, func(method string) bool { return slices.Contains(b, method) })
}

// rulePath is path as the table compares it. A path that could itself be read in two ways cannot be a rule.
func rulePath(path string, fold bool) (string, error) {
	if !strings.HasPrefix(path, "/") {
		return "", fmt.Errorf("path %q does not begin with /", path)
	}
	if strings.ContainsAny(path, structural[1:]) {
		return "", fmt.Errorf(`path %q holds one of \ ; ? # %%; write it decoded and without them`, path)
	}
	all, err := readings(nil, path, fold)
	if err != nil {
		return "", fmt.Errorf("path %q: %w", path, err)
	}
	if len(all) > 1 {
		return "", fmt.Errorf("path %q can be read as %q; write it that way", path, all[len(all)-1])
	}
	return strings.TrimSuffix(all[0], "/"), nil
}

// lookup returns the route of a reading, or nil. Routes of the host come before those of every host. allow collects the
// methods of routes that match but for the method.
func (t *table) lookup(host, path, method string, allow *[]string) *route {
	if p := t.hosts[host]; p != nil && host != "" {
		if r := p.lookup(path, method, allow); r != nil {
			return r
		}
	}
	if p := t.hosts[""]; p != nil {
		return p.lookup(path, method, allow)
	}
	return nil
}

func (p *prefixes) lookup(path, method string, allow *[]string) *route {
	best := matching(p.routes[""], method, allow)
	for depth, end := 0, 0; depth < p.depth && end < len(path); depth++ {
		next := strings.IndexByte(path[end+1:], '/')
		if next < 0 {
			end = len(path)
		} else {
			end += 1 + next
		}
		if r := matching(p.routes[path[:end]], method, allow); r != nil {
			best = r
		}
	}
	return best
}

func matching(routes []*route, method string, allow *[]string) *route {
	for _, r := range routes {
		if r.takes(method) {
			return r
		}
		*allow = append(*allow, r.Methods...)
	}
	return nil
}

func (r *route) takes(method string) bool {
	return len(r.Methods) == 0 || slices.Contains(r.Methods, method) ||
		method == http.MethodHead && slices.Contains(r.Methods, http.MethodGet)
}
