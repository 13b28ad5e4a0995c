package portal

import (
	"log/slog"
	"net/http"

	"coatcheck/auth"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/sessioncookie"
)

// knownName is the cookie by which a browser is known to an account that logged in from it. It opens nothing.
const knownName = "coatcheck_known"

// knownCookie is sent back to our own pages alone, and over https only where the login came by it.
func knownCookie(o Options) *sessioncookie.Cookie {
	return sessioncookie.New(sessioncookie.Options{Name: knownName, Path: o.Prefix, SameSite: "Lax", HTTPOnly: true})
}

// browser is what the browser shows of earlier logins; of several cookies nobody can tell the right one.
func (p *Portal) browser(r *http.Request) *auth.Browser {
	if tokens := p.known.Keys(r.Header); len(tokens) == 1 {
		return &auth.Browser{Token: tokens[0]}
	}
	return &auth.Browser{}
}

// setKnown keeps the browser's token; a login does not fail for want of it.
func (p *Portal) setKnown(w http.ResponseWriter, r *http.Request, b *auth.Browser) {
	if b.Token == "" {
		return
	}
	line, err := p.known.Set(b.Token, auth.BrowserAge, false, facts.From(r.Context()).Secure)
	if err != nil {
		p.opts.Log.LogAttrs(r.Context(), slog.LevelError, "the browser is not remembered", slog.Any("err", err))
		return
	}
	w.Header().Add("Set-Cookie", line)
}
