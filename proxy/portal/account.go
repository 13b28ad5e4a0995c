package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
	"coatcheck/proxy/wording"
	"coatcheck/sessionstore"
)

// Device is one of a user's sessions.
type Device struct {
	Hash              string // names the session; it opens nothing
	Created, LastSeen time.Time
	Address, Agent    string
	This              bool // it is the one that asks
}

// Devices knows the sessions of users. Its errors are faults.
type Devices interface {
	// OfUser are all of the user's sessions; key is that of the one that asks.
	OfUser(ctx context.Context, userID, key string) ([]Device, error)
	// End ends one of the user's sessions; one that is not theirs, or not there, is fine.
	End(ctx context.Context, userID, hash string) error
	// EndOthers ends all but the one of key, and says how many.
	EndOthers(ctx context.Context, userID, key string) (int, error)
}

// account is what the account page shows beside the principal.
type account struct {
	Left      string
	Listed    bool // sessions are known
	Sessions  []row
	Others    int  // sessions besides this one
	CanChange bool // the password
	Errors    []string
}

// row is one session in words.
type row struct {
	Hash, Name, Address, Created, Seen, EndLabel string
	This                                         bool
}

// showAccount shows who the visitor is, where they are logged in, and for how long.
func (p *Portal) showAccount(w http.ResponseWriter, r *http.Request) {
	principal, session, err := p.visit(w, r)
	switch {
	case err != nil:
		p.fault(w, r, err)
	case principal.Anonymous() && wantsJSON(r):
		p.nobody(w, r)
	case principal.Anonymous():
		p.redirect(w, p.loginFor(p.accountPath()))
	default:
		p.writeAccount(w, r, http.StatusOK, principal, session, page{Notice: p.notice(r)})
	}
}

// writeAccount writes the page, with errors of the password form in data where there are.
func (p *Portal) writeAccount(w http.ResponseWriter, r *http.Request, status int, principal auth.Principal, session *sessionstore.Session, data page) {
	devices, err := p.devices(r, principal, session)
	if err != nil {
		p.fault(w, r, err)
		return
	}
	if wantsJSON(r) {
		p.writeJSON(w, r, status, listed(describe(principal, session, ""), devices))
		return
	}
	changes, err := p.opts.Auth.ChangesPasswords(r.Context())
	if err != nil {
		p.fault(w, r, err)
		return
	}
	l := wording.For(r.Header)
	a := account{Left: p.left(l, principal, session), Listed: p.opts.Devices != nil, CanChange: changes}
	if data.Account != nil {
		a.Errors = data.Account.Errors
	}
	for _, d := range devices {
		a.Sessions = append(a.Sessions, p.row(l, d))
		if !d.This {
			a.Others++
		}
	}
	data.Title, data.Principal, data.Account = "account.title", principal, &a
	p.writePage(w, r, status, "account", data)
}

func (p *Portal) devices(r *http.Request, principal auth.Principal, session *sessionstore.Session) ([]Device, error) {
	if p.opts.Devices == nil {
		return nil, nil
	}
	devices, err := p.opts.Devices.OfUser(r.Context(), principal.ID, session.Key())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return devices, nil
}

// left says how long the session goes on.
func (p *Portal) left(l *wording.Language, principal auth.Principal, session *sessionstore.Session) string {
	left := wording.Values{"time": l.About(max(firstEnd(principal, session).Sub(p.opts.Now()), time.Second))}
	if session.BrowserClose() {
		return l.Say("account.left-close", left)
	}
	return l.Say("account.left-value", left)
}

func (p *Portal) row(l *wording.Language, d Device) row {
	ago := l.Ago(p.opts.Now().Sub(d.LastSeen))
	name := describeAgent(d.Agent).in(l)
	shown := row{
		Hash: d.Hash, Name: name, This: d.This, Seen: l.Say("account.seen", wording.Values{"ago": ago}),
		EndLabel: l.Say("account.end-label", wording.Values{"device": name, "ago": ago}),
	}
	if d.Address != "" {
		shown.Address = l.Say("account.address", wording.Values{"address": d.Address})
	}
	if !d.Created.IsZero() {
		shown.Created = l.Say("account.created", wording.Values{"date": l.Date(d.Created)})
	}
	return shown
}

// owner finds out who posts a form of the account page. It answers, and returns false, where nobody is logged in any more: never in
// silence, and never by a page that begins anew without a word.
func (p *Portal) owner(w http.ResponseWriter, r *http.Request) (form, auth.Principal, *sessionstore.Session, bool) {
	if !p.sameOrigin(w, r) {
		return form{}, auth.Principal{}, nil, false
	}
	f, ok := p.readForm(w, r)
	if !ok {
		return form{}, auth.Principal{}, nil, false
	}
	sent := p.opts.Cookie.Sent(r.Header)
	principal, session, err := p.visit(w, r)
	switch {
	case err != nil:
		p.fault(w, r, err)
		return form{}, auth.Principal{}, nil, false
	case principal.Anonymous():
		p.expired(w, r, sent)
		return form{}, auth.Principal{}, nil, false
	}
	return f, principal, session, true
}

func (p *Portal) expired(w http.ResponseWriter, r *http.Request, sent bool) {
	page := problem.Problem{Status: http.StatusForbidden, Title: "account.expired-title", Detail: "account.expired", Hint: "account.expired-hint",
		Link: p.loginFor(p.accountPath()), LinkText: "account.login"}
	if !sent {
		page.Detail = "account.expired-cookie"
	}
	p.varyHeaders(w)
	problem.Write(w, r, page)
}

// postEnd ends one session.
func (p *Portal) postEnd(w http.ResponseWriter, r *http.Request) {
	f, principal, session, ok := p.owner(w, r)
	if !ok {
		return
	}
	if f.session == "" || p.opts.Devices == nil {
		problem.Write(w, r, *badForm("problem.form-cut"))
		return
	}
	if err := p.opts.Devices.End(r.Context(), principal.ID, f.session); err != nil {
		p.fault(w, r, fmt.Errorf("end session: %w", err))
		return
	}
	p.done(w, r, session, "ended")
}

// postEndOthers ends all sessions but this one.
func (p *Portal) postEndOthers(w http.ResponseWriter, r *http.Request) {
	_, principal, session, ok := p.owner(w, r)
	if !ok {
		return
	}
	if p.opts.Devices == nil {
		problem.Write(w, r, *badForm("problem.form-cut"))
		return
	}
	n, err := p.opts.Devices.EndOthers(r.Context(), principal.ID, session.Key())
	if err != nil {
		p.fault(w, r, fmt.Errorf("end other sessions: %w", err))
		return
	}
	p.done(w, r, session, "ended-others-"+strconv.Itoa(n))
}

// postPassword changes the password. All other sessions end by it, and this one goes on under a new key.
func (p *Portal) postPassword(w http.ResponseWriter, r *http.Request) {
	f, principal, session, ok := p.owner(w, r)
	if !ok {
		return
	}
	switch {
	case f.current == "" || f.new == "" || f.newAgain == "":
		p.refuseChange(w, r, principal, session, http.StatusBadRequest, 0, wording.Text{Key: "account.missing"})
		return
	case f.new != f.newAgain:
		p.refuseChange(w, r, principal, session, http.StatusBadRequest, 0, wording.Text{Key: "account.mismatch"})
		return
	}
	browser := p.browser(r)
	err := p.opts.Auth.ChangePassword(r.Context(), session, auth.PasswordChange{
		Current: f.current, New: f.new, Client: facts.From(r.Context()).Client, Browser: browser,
	})
	if err == nil {
		err = p.setCookie(w, r, session, principal.Ends)
	}
	if err != nil {
		p.failChange(w, r, principal, session, err)
		return
	}
	if p.opts.Devices != nil { // those whose session hash is wrong now are out already; this takes them off the list
		if _, err := p.opts.Devices.EndOthers(r.Context(), principal.ID, session.Key()); err != nil {
			p.logFault(r, fmt.Errorf("end other sessions: %w", err))
		}
	}
	p.done(w, r, session, "password")
}

func (p *Portal) failChange(w http.ResponseWriter, r *http.Request, principal auth.Principal, session *sessionstore.Session, err error) {
	var rejected *auth.PasswordRejectedError
	var throttled *auth.ThrottledError
	switch {
	case errors.As(err, &rejected):
		var why []wording.Text
		for _, f := range rejected.Faults {
			why = append(why, wording.Text{Key: "password." + f.Name, Values: wording.Values{"n": f.N}})
		}
		p.refuseChange(w, r, principal, session, http.StatusBadRequest, 0, why...)
	case errors.Is(err, auth.ErrInvalidCredentials):
		p.refuseChange(w, r, principal, session, http.StatusForbidden, 0, wording.Text{Key: "account.wrong-current"})
	case errors.As(err, &throttled):
		wait := max(throttled.RetryAfter, time.Second)
		p.refuseChange(w, r, principal, session, http.StatusTooManyRequests, wait, wording.Text{Key: "login.throttled", Values: wording.Values{"wait": wait}})
	case errors.Is(err, auth.ErrBusy):
		p.refuseChange(w, r, principal, session, http.StatusServiceUnavailable, busyRetry, wording.Text{Key: "login.busy"})
	case errors.Is(err, auth.ErrNotLoggedIn):
		p.expired(w, r, true)
	default:
		p.fault(w, r, fmt.Errorf("change password: %w", err))
	}
}

func (p *Portal) refuseChange(w http.ResponseWriter, r *http.Request, principal auth.Principal, session *sessionstore.Session, status int, wait time.Duration, why ...wording.Text) {
	if wantsJSON(r) {
		p.varyHeaders(w)
		problem.Write(w, r, problem.Problem{Status: status, List: why, RetryAfter: wait})
		return
	}
	l := wording.For(r.Header)
	var errs []string
	for _, text := range why {
		errs = append(errs, text.In(l))
	}
	retryAfter(w.Header(), wait)
	p.writeAccount(w, r, status, principal, session, page{Error: errs[0], Account: &account{Errors: errs}})
}

// done leads back to the page, which says what was done: a reload does nothing twice.
func (p *Portal) done(w http.ResponseWriter, r *http.Request, session *sessionstore.Session, what string) {
	if wantsJSON(r) {
		p.writeJSON(w, r, http.StatusOK, struct {
			Done string `json:"done"`
		}{what})
		return
	}
	p.redirect(w, p.accountPath()+"?done="+what)
}
