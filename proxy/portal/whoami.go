package portal

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/problem"
	"coatcheck/sessionstore"
)

// visitor is what JSON clients learn of a visitor.
type visitor struct {
	User *user `json:"user"` // null: nobody is logged in
	// Expires is when the session ends unless it is used (RFC 3339).
	Expires *time.Time `json:"expires,omitempty"`
	// IdleExpires and AbsoluteExpires are the limits of the session, where there are any; SecondsLeft is until the first of all three.
	IdleExpires     *time.Time `json:"idle_expires,omitempty"`
	AbsoluteExpires *time.Time `json:"absolute_expires,omitempty"`
	SecondsLeft     *int64     `json:"seconds_left,omitempty"`
	// BrowserClose says that the browser forgets the cookie when it is closed.
	BrowserClose bool   `json:"browser_close,omitempty"`
	Next         string `json:"next,omitempty"`
}

type user struct {
	ID        string   `json:"id"`
	Username  string   `json:"username"`
	Name      string   `json:"name"`
	Email     string   `json:"email"`
	Groups    []string `json:"groups"`
	Staff     bool     `json:"staff"`
	Superuser bool     `json:"superuser"`
}

func describe(p auth.Principal, session *sessionstore.Session, next string) visitor {
	if p.Anonymous() {
		return visitor{Next: next}
	}
	ends := session.Ends()
	if ends.IsZero() { // caches keep no date
		ends = session.Expires()
	}
	first := ends
	if next := p.Ends.Next(); !next.IsZero() && next.Before(ends) {
		first = next
	}
	left := max(0, int64(time.Until(first)/time.Second))
	u := user{p.ID, p.Username, p.Name, p.Email, append([]string{}, p.Groups...), p.Staff, p.Superuser}
	return visitor{User: &u, Expires: date(ends), IdleExpires: date(p.Ends.Idle), AbsoluteExpires: date(p.Ends.Absolute), SecondsLeft: &left,
		BrowserClose: session.BrowserClose(), Next: next}
}

// date is a point in time as JSON clients see it; nil for none.
func date(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC().Truncate(time.Second)
	return &at
}

// whoAmI answers who is logged in and until when, always in JSON. Asking does not extend the session.
func (p *Portal) whoAmI(w http.ResponseWriter, r *http.Request) {
	principal, session, err := p.visit(w, r)
	switch {
	case err != nil:
		p.fault(w, r, err)
	case principal.Anonymous():
		p.writeJSON(w, r, http.StatusUnauthorized, struct {
			Status int    `json:"status"`
			Title  string `json:"title"`
			visitor
		}{http.StatusUnauthorized, "Nobody is logged in", visitor{}})
	default:
		p.writeJSON(w, r, http.StatusOK, describe(principal, session, ""))
	}
}

// wantsJSON: asked for by its name, and not by a browser that goes to a page.
func wantsJSON(r *http.Request) bool {
	return !problem.Navigation(r) && strings.Contains(strings.ToLower(strings.Join(r.Header["Accept"], ",")), "application/json")
}

func (p *Portal) writeJSON(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	p.write(w, r, status, "application/json; charset=utf-8", append(body, '\n'))
}
