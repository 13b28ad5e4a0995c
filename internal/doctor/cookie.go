package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"coatcheck/internal/diagnosis"
)

func setup(p *Patient) diagnosis.Setup {
	s := p.Config.Session
	return diagnosis.Setup{CookieName: s.CookieName, CookieDomain: s.CookieDomain, CookiePath: s.CookiePath, SameSite: s.CookieSameSite,
		Secure: s.CookieSecure, CookieAge: s.CookieAge, PublicURL: p.Config.PublicURL}
}

// lookAtCookie holds the cookie against the address that browsers use, as the page that ends a loop does.
func lookAtCookie(_ context.Context, p *Patient, n *notes) {
	judgeCookie(p, n, p.Config.PublicURL)
	suffix(p, n)
	s := p.Config.Session
	if !s.CookieHTTPOnly {
		n.warning("session.cookie_httponly", "scripts in pages may read the session cookie", "set session.cookie_httponly: true")
	}
	n.well("browsers keep the cookie %s and send it back to %s", s.CookieName, orWhatever(p.Config.PublicURL))
}

func orWhatever(public string) string {
	if public == "" {
		return "the host they asked (public_url is not set)"
	}
	return public
}

// judgeCookie writes down why a browser that goes to the address would not be logged in.
func judgeCookie(p *Patient, n *notes, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return
	}
	visit := diagnosis.Visit{Host: u.Host, Secure: u.Scheme == "https", Path: p.Config.AuthPrefix + "/login"}
	for _, f := range diagnosis.Login(setup(p), visit) {
		say(p, n, f, u)
	}
}

// say is a finding in the operator's words.
func say(p *Patient, n *notes, f diagnosis.Finding, u *url.URL) {
	s := p.Config.Session
	switch f.Name {
	case diagnosis.SecureOverHTTP:
		n.problem("session.cookie_secure", "the cookie is Secure, and "+u.Host+" is asked by http: browsers drop it",
			"serve https and write it into public_url, or set session.cookie_secure: auto and a cookie_name without __Host- and __Secure-")
	case diagnosis.SameSiteNone:
		n.problem("session.cookie_samesite", "browsers drop a cookie with SameSite=None that is not Secure", "set session.cookie_samesite: Lax, or serve https")
	case diagnosis.Domain:
		n.problem("session.cookie_domain", fmt.Sprintf("%s is not within cookie_domain %s: browsers drop the cookie", u.Hostname(), s.CookieDomain),
			`set session.cookie_domain: "" for this host alone, or the domain above `+u.Hostname())
	case diagnosis.Path:
		n.problem("session.cookie_path", "the cookie is for "+s.CookiePath+" alone: our pages below "+p.Config.AuthPrefix+" see no session, so nobody can log out", "set session.cookie_path: /")
	case diagnosis.Host:
		n.problem("public_url", u.Host+" is not the host of public_url: who comes here is sent elsewhere to log in", "set public_url: "+u.Scheme+"://"+u.Host)
	case diagnosis.Scheme:
		n.problem("public_url", "public_url is https, and this was asked by http", "ask by https, or have http sent on to it (tls.http_listen)")
	}
}

// suffix looks for a domain that belongs to everybody (RFC 6265 section 5.3 step 5).
func suffix(p *Patient, n *notes) {
	domain := strings.ToLower(strings.Trim(p.Config.Session.CookieDomain, "."))
	if domain == "" {
		return
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		n.warning("session.cookie_domain", "it is an address; a cookie for an address needs no domain", `set session.cookie_domain: ""`)
		return
	}
	public, known := publicsuffix.PublicSuffix(domain)
	if domain == public && (known || !strings.Contains(domain, ".")) && domain != "localhost" {
		n.problem("session.cookie_domain", domain+" is a public suffix, under which anybody may have a host: browsers refuse a cookie for it",
			`set session.cookie_domain: "" for this host alone, or a domain of yours`)
	}
}

// lookAtLifetime looks for sessions that end before anybody can use them.
func lookAtLifetime(_ context.Context, p *Patient, n *notes) {
	const short = time.Minute
	s := p.Config.Session
	for key, d := range map[string]time.Duration{"session.cookie_age": s.CookieAge, "session.idle_timeout": s.IdleTimeout, "session.max_lifetime": s.MaxLifetime} {
		if d < short && (d > 0 || key == "session.cookie_age") {
			n.problem(key, fmt.Sprintf("sessions end after %s: it looks as if logins do not hold", d), "a bare number is seconds; write "+key[len("session."):]+": 12h, for example")
		}
	}
	if s.MaxLifetime > 0 && s.IdleTimeout > s.MaxLifetime {
		n.warning("session.idle_timeout", "it is longer than max_lifetime, which ends the session first", "set session.idle_timeout to less than session.max_lifetime")
	}
	n.well("a session lasts %s", s.CookieAge)
}
