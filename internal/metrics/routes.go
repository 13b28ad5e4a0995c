package metrics

import "sync"

// maxRoutes is how many routes have numbers of their own: each has up to a hundred time series. The first that are asked for have them,
// the rest share those of routeOther.
const maxRoutes = 250

const routeOther = "other"

// routes bounds the values of the label route.
type routes struct {
	mu    sync.RWMutex
	known map[string]bool
}

func (r *routes) label(route string) string {
	r.mu.RLock()
	known, full := r.known[route], len(r.known) >= maxRoutes
	r.mu.RUnlock()
	if known {
		return route
	}
	if full {
		return routeOther
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.known) >= maxRoutes && !r.known[route] {
		return routeOther
	}
	r.known[route] = true
	return route
}
