// Package health answers a container's or balancer's questions: is the process alive, can it serve?
package health

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// checkTime bounds one check; a store that does not answer by then counts as down.
const checkTime = 2 * time.Second

// Check asks one part the proxy cannot work without.
type Check struct {
	Name string // as the configuration names it: database, cache
	Ask  func(ctx context.Context) error
}

// Handler serves /healthz and /livez, which answer 200 as long as the process does, and /readyz, which is 503 while a check
// fails and says in JSON what is down and since when it was first seen so. It belongs on the admin listener: it shows errors.
type Handler struct {
	mux    http.ServeMux
	checks []Check
	now    func() time.Time

	mu    sync.Mutex
	since map[string]time.Time // of the checks that failed last time
}

// New returns the handler for checks.
func New(now func() time.Time, checks ...Check) *Handler {
	h := &Handler{checks: checks, now: now, since: map[string]time.Time{}}
	h.mux.HandleFunc("GET /healthz", alive)
	h.mux.HandleFunc("GET /livez", alive)
	h.mux.HandleFunc("GET /readyz", h.ready)
	return h
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func alive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, report{Status: "ok"})
}

type report struct {
	Status string   `json:"status"` // ok or unavailable
	Checks []result `json:"checks,omitempty"`
}

type result struct {
	Name   string     `json:"name"`
	Status string     `json:"status"` // up or down
	Since  *time.Time `json:"since,omitempty"`
	Error  string     `json:"error,omitempty"`
}

func (h *Handler) ready(w http.ResponseWriter, r *http.Request) {
	results := make([]result, len(h.checks))
	var asking sync.WaitGroup
	for i, check := range h.checks {
		asking.Go(func() { results[i] = h.ask(r.Context(), check) })
	}
	asking.Wait()
	for _, res := range results {
		if res.Status != "up" {
			writeJSON(w, http.StatusServiceUnavailable, report{"unavailable", results})
			return
		}
	}
	writeJSON(w, http.StatusOK, report{"ok", results})
}

func (h *Handler) ask(ctx context.Context, check Check) result {
	// Without cancel: an asker that hung up must not make a store look down.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	err := check.Ask(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.since, check.Name)
		return result{Name: check.Name, Status: "up"}
	}
	since, known := h.since[check.Name]
	if !known {
		since = h.now().UTC()
		h.since[check.Name] = since
	}
	return result{Name: check.Name, Status: "down", Since: &since, Error: err.Error()}
}

func writeJSON(w http.ResponseWriter, status int, answer report) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // a client that left
}
