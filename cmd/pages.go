package cmd

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/auth/activity"
	"coatcheck/internal/config"
	"coatcheck/internal/diagnosis"
	"coatcheck/proxy/look"
	"coatcheck/proxy/portal"
	"coatcheck/sessionstore/ledger"
)

// openLook reads the operator's colours and templates; what is wrong with them is a fault of the configuration.
func openLook(c config.Login) (*look.Look, error) {
	l, err := look.New(look.Options{Title: c.Title, Accent: c.Accent, Templates: c.Templates})
	if err == nil {
		err = portal.CheckLook(l)
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("configuration: %w", err)}
	}
	return l, nil
}

// setup is what there is to find out why a login does not hold.
func (p *parts) setup() diagnosis.Setup {
	s := p.cfg.Session
	return diagnosis.Setup{
		CookieName: s.CookieName, CookieDomain: s.CookieDomain, CookiePath: s.CookiePath, SameSite: s.CookieSameSite, Secure: s.CookieSecure,
		CookieAge: s.CookieAge, PublicURL: p.cfg.PublicURL,
	}
}

// devices are the sessions of the register, for the account page.
type devices struct{ register *activity.Register }

// OfUser implements [portal.Devices].
func (d devices) OfUser(ctx context.Context, userID, key string) (all []portal.Device, err error) {
	held, err := d.register.OfUser(ctx, userID)
	this := d.register.Current(key)
	for _, e := range held {
		all = append(all, portal.Device{Hash: e.Hash, Created: e.Created, LastSeen: e.LastSeen, Address: e.Address, Agent: e.Agent, This: e.Hash == this})
	}
	return all, err
}

// End implements [portal.Devices].
func (d devices) End(ctx context.Context, userID, hash string) error {
	if err := d.register.End(ctx, userID, hash); !errors.Is(err, ledger.ErrUnknown) {
		return err
	}
	return nil
}

// EndOthers implements [portal.Devices].
func (d devices) EndOthers(ctx context.Context, userID, key string) (int, error) {
	return d.register.EndOthers(ctx, userID, key)
}
