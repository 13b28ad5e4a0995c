package cmd

import (
	"coatcheck/internal/config"
	"coatcheck/internal/diagnosis"
	"coatcheck/proxy/look"
	"coatcheck/proxy/portal"
)

func lookOptions(c config.Login) look.Options {
	return look.Options{Title: c.Title, Accent: c.Accent, Templates: c.Templates}
}

// checkPages finds the faults of colours and templates.
func checkPages(c config.Login) error {
	l, err := look.New(lookOptions(c))
	if err != nil {
		return err
	}
	return portal.CheckLook(l)
}

// setup is what there is to find out why a login does not hold.
func (p *parts) setup() diagnosis.Setup {
	s := p.cfg.Session
	return diagnosis.Setup{
		CookieName: s.CookieName, CookieDomain: s.CookieDomain, CookiePath: s.CookiePath, SameSite: s.CookieSameSite, Secure: s.CookieSecure,
		CookieAge: s.CookieAge, PublicURL: p.cfg.PublicURL,
	}
}
