// Package problem is the one writer of error answers: HTML for a browser's navigation, JSON for everything else. What it
// shows is the [Problem] alone; an error's own text goes to the log.
package problem

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"time"

	"coatcheck/proxy/facts"
)

// Problem is what the client reads. The zero Title is the status' own text.
type Problem struct {
	Status int
	Title  string
	Detail string // what happened, in a sentence
	Hint   string // what the reader can do about it
	// RetryAfter is sent in whole seconds, rounded up (RFC 9110 10.2.3); 0 sends none.
	RetryAfter time.Duration
	// Link is an address of ours that the HTML page offers under LinkText; empty shows none.
	Link     string
	LinkText string
}

// page is a Problem as both writers show it.
type page struct {
	Problem
	RequestID string
}

// Write answers r with p. Nothing may have been written yet. Headers that would describe another body are removed; Set-Cookie
// and Vary stay.
func Write(w http.ResponseWriter, r *http.Request, p Problem) {
	p.Title = cmp.Or(p.Title, http.StatusText(p.Status), "Error")
	shown := page{Problem: p, RequestID: facts.From(r.Context()).RequestID}
	body, contentType := shown.json(), "application/json; charset=utf-8"
	if Navigation(r) {
		body, contentType = shown.html(), "text/html; charset=utf-8"
	}
	head(w.Header(), p, contentType, len(body))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a client that left is seen by the access record
	}
}

func head(h http.Header, p Problem, contentType string, length int) {
	for _, name := range [...]string{"Content-Encoding", "Content-Range", "Etag", "Last-Modified", "Trailer", "Transfer-Encoding"} {
		h.Del(name)
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(length))
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
}
