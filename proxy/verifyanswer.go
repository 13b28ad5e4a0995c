package proxy

import (
	"net/http"

	"coatcheck/proxy/problem"
)

// verifyAnswer is the [Answer] of forward-auth: its own status is the verdict, and the identity is in its headers.
type verifyAnswer struct{ *proxyAnswer }

// loginHeader tells asking proxies where the login page is, for those that would rather redirect than pass our page on.
const loginHeader = "X-Login-Url"

// Allowed tells the identity. Names without a value are there, too, and empty: some proxies (Envoy, Caddy) otherwise leave a header of
// that name as the client has sent it. Credentials for the upstream stay here: browsers can ask this address.
func (a verifyAnswer) Allowed(w http.ResponseWriter, r *http.Request, p Pass) {
	fields, err := p.identity()
	if err != nil {
		a.refuse(w, r, err)
		return
	}
	h := w.Header()
	p.mark(h)
	for _, name := range p.identityNames() {
		h.Set(name, "")
	}
	for _, field := range fields {
		h.Set(field.Name, field.Value)
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// NeedLogin is always 401: some of the asking proxies know no other no, and nginx makes 500 of a redirect. A browser that gets the page
// goes on to the login by itself (HTML, the Refresh header). A Basic challenge would open a password box before that.
func (a verifyAnswer) NeedLogin(w http.ResponseWriter, r *http.Request, p Pass) {
	if a.prefix == "" || !problem.Navigation(r) {
		a.unauthorized(w, r, p, "")
		return
	}
	login := a.loginURL(r, p, true)
	w.Header().Set(loginHeader, login)
	w.Header().Set("Refresh", "0; url="+login)
	p.basic = false
	a.unauthorized(w, r, p, login)
}

// refuse says no to a request that cannot be judged. The reason is for the log: the operator can correct it, no visitor can.
func (a verifyAnswer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	recordOf(r.Context()).err = err
	refuse(w, r, problem.Problem{Status: http.StatusForbidden, Detail: "problem.cannot-open", Hint: "problem.tell"})
}
