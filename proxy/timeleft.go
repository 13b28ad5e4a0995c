package proxy

import (
	"net/http"
	"strconv"
	"time"

	"coatcheck/auth"
)

// tellTimeLeft tells the browser in how many seconds the session ends unless it is used, so that a page can warn.
func (p Pass) tellTimeLeft(h http.Header) {
	if p.guard == nil || p.guard.leftHeader == "" {
		return
	}
	h.Del(p.guard.leftHeader)
	if ends := endOf(p.Principal); !ends.IsZero() {
		left := max(0, ends.Sub(p.guard.now()).Truncate(time.Second))
		h.Set(p.guard.leftHeader, strconv.FormatInt(int64(left/time.Second), 10))
	}
}

// endOf is when the session ends unless it is used: the earliest of its record's end and its limits. Zero: there is no session of a user.
func endOf(p auth.Principal) time.Time {
	if p.Anonymous() || p.Session == nil {
		return time.Time{}
	}
	ends := p.Session.Ends()
	if ends.IsZero() { // caches keep no date
		ends = p.Session.Expires()
	}
	if next := p.Ends.Next(); !next.IsZero() && next.Before(ends) {
		return next
	}
	return ends
}
