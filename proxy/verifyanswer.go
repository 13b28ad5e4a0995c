package proxy

import (
	"net/http"

	"coatcheck/proxy/problem"
)

// verifyAnswer is the [Answer] of forward-auth: its own status is the verdict, and the identity is in its headers.
type verifyAnswer struct {
	*proxyAnswer
	redirects bool
}

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

// NeedLogin names the login page in Location for a browser's navigation: with 401, for nginx' error_page, or as a redirect.
func (a verifyAnswer) NeedLogin(w http.ResponseWriter, r *http.Request, p Pass) {
	if a.prefix != "" && problem.Navigation(r) {
		w.Header().Set("Location", a.loginURL(r, p, true))
		if a.redirects {
			a.redirect(w, r, p)
			return
		}
	}
	a.unauthorized(w, r, p)
}

// refuse says no to a request that cannot be judged. The reason is for the log: the operator can correct it, no visitor can.
func (a verifyAnswer) refuse(w http.ResponseWriter, r *http.Request, err error) {
	recordOf(r.Context()).err = err
	refuse(w, r, problem.Problem{Status: http.StatusForbidden, Detail: "problem.cannot-open", Hint: "problem.tell"})
}
