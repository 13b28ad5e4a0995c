package portal

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/wording"
	"coatcheck/sessionstore"
)

// busyRetry is what clients are told to wait when too many passwords are being checked.
const busyRetry = 3 * time.Second

// showLogin shows the form. Who is logged in already sees that, and a link on: never a redirect, which could go in circles with
// an application that sends its visitors back here.
func (p *Portal) showLogin(w http.ResponseWriter, r *http.Request) {
	principal, session, err := p.visit(w, r)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	next := p.queryNext(r)
	switch {
	case wantsJSON(r):
		p.writeJSON(w, r, http.StatusOK, describe(principal, session, next))
	case !principal.Anonymous() && !r.URL.Query().Has("again"): // with it the way on wants a younger login
		p.writePage(w, r, http.StatusOK, "loggedin", page{Title: "loggedin.title", Principal: principal, Next: orRoot(next)})
	case p.circling(r, next):
		p.breakLoop(w, r, next)
	default:
		data := page{Title: "login.title", Form: form{next: next}}
		switch l := wording.For(r.Header); {
		case !principal.Anonymous():
			data.Notice = l.Say("login.old", nil)
		case ended(r) || session.Empty() && p.opts.Cookie.Sent(r.Header):
			data.Notice = l.Say("login.ended", nil)
		}
		p.writePage(w, r, http.StatusOK, "login", data)
	}
}

func (p *Portal) postLogin(w http.ResponseWriter, r *http.Request) {
	if !p.sameOrigin(w, r) {
		return
	}
	f, ok := p.readForm(w, r)
	if !ok {
		return
	}
	f.pending, f.answer = "", ""
	if f.username == "" || f.password == "" {
		p.again(w, r, f, http.StatusBadRequest, "login.empty", 0)
		return
	}
	session, err := p.opts.Cookie.Open(r.Context(), p.opts.Sessions, r.Header)
	if err != nil {
		p.fault(w, r, fmt.Errorf("open session: %w", err))
		return
	}
	browser := p.browser(r)
	attempt := auth.Attempt{Login: f.username, Password: f.password, Client: facts.From(r.Context()).Client, Remember: p.remember(f.remember), Browser: browser}
	principal, err := p.opts.Auth.Login(r.Context(), session, attempt)
	p.finish(w, r, f, session, principal, browser, err)
}

// finish answers a login whose last step this was, or one that goes on or was refused.
func (p *Portal) finish(w http.ResponseWriter, r *http.Request, f form, session *sessionstore.Session, principal auth.Principal, browser *auth.Browser, err error) {
	if err == nil {
		err = p.setCookie(w, r, session, principal.Ends)
	}
	if err != nil {
		p.refuseLogin(w, r, f, err)
		return
	}
	p.setKnown(w, r, browser)
	next := orRoot(f.next)
	if wantsJSON(r) {
		p.writeJSON(w, r, http.StatusOK, describe(principal, session, next))
		return
	}
	p.redirect(w, next)
}

func (p *Portal) refuseLogin(w http.ResponseWriter, r *http.Request, f form, err error) {
	var throttled *auth.ThrottledError
	var required *auth.FactorRequiredError
	switch {
	case errors.As(err, &required):
		p.askFactor(w, r, f, required.Pending)
	case errors.Is(err, auth.ErrPendingExpired):
		f.pending = ""
		p.again(w, r, f, http.StatusUnauthorized, "factor.expired", 0)
	case errors.Is(err, auth.ErrInvalidCredentials) && f.pending != "":
		p.again(w, r, f, http.StatusUnauthorized, "factor.wrong", 0)
	case errors.Is(err, auth.ErrInvalidCredentials):
		p.again(w, r, f, http.StatusUnauthorized, "login.wrong", 0)
	case errors.As(err, &throttled):
		wait := max(throttled.RetryAfter, time.Second)
		p.again(w, r, f, http.StatusTooManyRequests, "login.throttled", wait)
	case errors.Is(err, auth.ErrBusy):
		p.again(w, r, f, http.StatusServiceUnavailable, "login.busy", busyRetry)
	default:
		p.fault(w, r, fmt.Errorf("log in: %w", err))
	}
}

// remember is the visitor's wish as far as the page offers it: "on" needs the tick box, "off" can be asked for always.
func (p *Portal) remember(wish auth.Remember) auth.Remember {
	if wish == auth.RememberOn && !p.opts.RememberMe {
		return auth.RememberDefault
	}
	return wish
}

func orRoot(next string) string {
	if next == "" {
		return "/"
	}
	return next
}
