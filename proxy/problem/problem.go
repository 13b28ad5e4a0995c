// Package problem is the one writer of error answers: HTML for a browser's navigation, JSON for everything else, in the language
// that the client asks for. What it shows is the [Problem] alone; an error's own text goes to the log.
package problem

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"time"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/look"
	"coatcheck/proxy/wording"
)

// Problem is what the client reads. Its texts are keys of the catalogue ([coatcheck/proxy/wording]). The zero Title is the status'.
type Problem struct {
	Status int
	Title  string
	Detail string // what happened, in a sentence
	Hint   string // what the reader can do about it
	// Values stand in the texts' braces.
	Values wording.Values
	// List is more to read, a sentence each.
	List []wording.Text
	// RetryAfter is sent in whole seconds, rounded up (RFC 9110 10.2.3); 0 sends none.
	RetryAfter time.Duration
	// Link is an address of ours that the HTML page offers under LinkText; empty shows none.
	Link     string
	LinkText string
}

// page is a Problem as both writers show it, in words.
type page struct {
	Status                              int
	Title, Detail, Hint, Link, LinkText string
	List                                []string
	Again                               bool // offer to load the page again
	RequestID                           string
	Words                               *wording.Language
	Look                                *look.Look
}

func said(r *http.Request, p Problem) page {
	l, f := wording.For(r.Header), facts.From(r.Context())
	title := cmp.Or(p.Title, "status."+strconv.Itoa(p.Status))
	if p.Title == "" && !l.Has(title) {
		title = cmp.Or(http.StatusText(p.Status), "status.other")
	}
	shown := page{
		Status: p.Status, Title: l.Say(title, p.Values), Detail: l.Say(p.Detail, p.Values), Hint: l.Say(p.Hint, p.Values),
		Link: p.Link, LinkText: l.Say(p.LinkText, p.Values), RequestID: f.RequestID, Words: l, Look: cmp.Or(f.Look, look.Default()),
		Again: p.Status >= http.StatusInternalServerError && p.Link == "" && r.Method == http.MethodGet,
	}
	for _, text := range p.List {
		shown.List = append(shown.List, text.In(l))
	}
	return shown
}

// Write answers r with p. Nothing may have been written yet. Headers that would describe another body are removed; Set-Cookie
// and Vary stay.
func Write(w http.ResponseWriter, r *http.Request, p Problem) {
	shown := said(r, p)
	body, contentType := shown.json(), "application/json; charset=utf-8"
	if Navigation(r) {
		body, contentType = shown.html(), "text/html; charset=utf-8"
	}
	head(w.Header(), p, contentType, len(body))
	w.Header().Set("Content-Security-Policy", shown.Look.Policy)
	shown.Words.Announce(w.Header())
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
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
}
