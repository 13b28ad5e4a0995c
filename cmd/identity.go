package cmd

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"coatcheck/internal/config"
	"coatcheck/internal/signing"
	"coatcheck/proxy"
	"coatcheck/proxy/assertion"
	"coatcheck/proxy/identity"
)

// assertions returns the signer of identity assertions, nil where no route has any.
func (p *parts) assertions() (*assertion.Signer, error) {
	for _, r := range p.cfg.Routes {
		if r.Identity.JWT.Header != "" {
			return assertion.New(assertion.Options{Secret: p.keys.Secret, Fallbacks: p.keys.Fallbacks, Issuer: p.cfg.PublicURL, Now: time.Now})
		}
	}
	return nil, nil
}

// keyPages serves the signer's public keys.
func keyPages(signer *assertion.Signer) map[string]http.Handler {
	if signer == nil {
		return nil
	}
	return map[string]http.Handler{"/jwks.json": signer}
}

// identity is what a route tells its upstream: headers, and an assertion where one is asked for; and whether that is a visitor's id.
func (p *parts) identity(r config.Route, signer *assertion.Signer) (told proxy.Identity, visitors bool, err error) {
	headers, err := p.identityHeaders(r.Identity)
	if err != nil {
		return nil, false, err
	}
	if r.Identity.JWT.Header == "" {
		return headers, headers.Visitors(), nil
	}
	return proxy.Identities{headers, signer.Header(r.Identity.JWT.Header, p.audience(r), r.Identity.JWT.TTL)}, headers.Visitors(), nil
}

// audience is the host of the route, or that of the public URL where the route is for any.
func (p *parts) audience(r config.Route) string {
	if r.Host != "" {
		return r.Host
	}
	public, err := url.Parse(p.cfg.PublicURL)
	if err != nil {
		return ""
	}
	return public.Hostname()
}

// visitorSalt separates the visitors' ids from everything else that is made with the secret key.
const visitorSalt = "coatcheck.identity.visitor"

func (p *parts) identityHeaders(c config.Identity) (*identity.Headers, error) {
	o := identity.Options{Preset: c.Preset, GroupSeparator: c.GroupSeparator, VisitorKey: signing.SaltedHMAC(visitorSalt, p.keys.Secret, "key")}
	for _, h := range c.Headers {
		o.Headers = append(o.Headers, identity.Header{Name: h.Name, Value: h.Value})
	}
	headers, err := identity.New(o)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return headers, nil
}

func basicAuth(b config.BasicAuth) (proxy.Credentials, error) {
	if !b.On() {
		return nil, nil
	}
	return identity.NewBasic(identity.Basic{Username: b.Username, From: b.UsernameFrom, Password: b.Password.Reveal()})
}

func headerChanges(c config.HeaderChanges) proxy.HeaderChanges {
	changes := proxy.HeaderChanges{Remove: c.Remove}
	for _, h := range c.Set {
		changes.Set = append(changes.Set, proxy.Field{Name: h.Name, Value: h.Value})
	}
	return changes
}
