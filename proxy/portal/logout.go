package portal

import (
	"fmt"
	"net/http"
)

// showLogout asks: a link or an image of another site must not log anybody out.
func (p *Portal) showLogout(w http.ResponseWriter, r *http.Request) {
	principal, session, err := p.visit(w, r)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	next := p.queryNext(r)
	if wantsJSON(r) {
		p.writeJSON(w, r, http.StatusOK, describe(principal, session, next))
		return
	}
	title := "logout.title"
	if principal.Anonymous() {
		title = "logout.none"
	}
	p.writePage(w, r, http.StatusOK, "logout", page{Title: title, Principal: principal, Form: form{next: next}, Next: orRoot(next)})
}

// postLogout ends every live session that the browser presents, and answers the same when there is none. It is acknowledged
// only when the records are gone.
func (p *Portal) postLogout(w http.ResponseWriter, r *http.Request) {
	if !p.sameOrigin(w, r) {
		return
	}
	f, ok := p.readForm(w, r)
	if !ok {
		return
	}
	for _, key := range p.opts.Cookie.Keys(r.Header) {
		if err := p.end(r, key); err != nil {
			p.fault(w, r, err)
			return
		}
	}
	w.Header().Add("Set-Cookie", p.opts.Cookie.Clear())
	next := f.next
	if next == "" {
		next = p.loginPath()
	}
	if wantsJSON(r) {
		p.writeJSON(w, r, http.StatusOK, visitor{Next: next})
		return
	}
	p.redirect(w, next)
}

func (p *Portal) end(r *http.Request, key string) error {
	session, err := p.opts.Sessions.Open(r.Context(), key)
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	if session.Empty() {
		return nil
	}
	return p.opts.Auth.Logout(r.Context(), session)
}
