package portal

import (
	"fmt"
	"net/http"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/wording"
)

// askFactor shows the second step. Nothing is set in the browser: what there is of the login stands in the form.
func (p *Portal) askFactor(w http.ResponseWriter, r *http.Request, f form, pending string) {
	if wantsJSON(r) {
		l := wording.For(r.Header)
		l.Announce(w.Header())
		p.writeJSON(w, r, http.StatusUnauthorized, struct {
			Status  int    `json:"status"`
			Title   string `json:"title"`
			Detail  string `json:"detail"`
			Pending string `json:"pending"`
			Action  string `json:"action"`
		}{http.StatusUnauthorized, l.Say("factor.title", nil), l.Say("factor.post", nil), pending, p.factorPath()})
		return
	}
	p.writePage(w, r, http.StatusOK, "factor", page{Title: "factor.title", Form: form{next: f.next, pending: pending}})
}

// postFactor is the second step of a login.
func (p *Portal) postFactor(w http.ResponseWriter, r *http.Request) {
	if !p.sameOrigin(w, r) {
		return
	}
	f, ok := p.readForm(w, r)
	if !ok {
		return
	}
	if f.pending == "" || f.answer == "" {
		p.again(w, r, f, http.StatusBadRequest, "factor.empty", 0)
		return
	}
	session, err := p.opts.Cookie.Open(r.Context(), p.opts.Sessions, r.Header)
	if err != nil {
		p.fault(w, r, fmt.Errorf("open session: %w", err))
		return
	}
	browser := p.browser(r)
	c := auth.Confirmation{Pending: f.pending, Answer: f.answer, Client: facts.From(r.Context()).Client, Browser: browser}
	principal, err := p.opts.Auth.Confirm(r.Context(), session, c)
	p.finish(w, r, f, session, principal, browser, err)
}
