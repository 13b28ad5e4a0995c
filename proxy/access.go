package proxy

import (
	"net/netip"
	"slices"

	"coatcheck/auth"
)

// Mode is what a rule asks of a visitor. The zero Mode denies.
type Mode int

const (
	ModeDeny     Mode = iota // nobody
	ModeLogin                // somebody who is logged in and satisfies the rule
	ModeOptional             // everybody; an identity if there is one
	ModePublic               // everybody; the session is not looked at
)

// Access is the rule of a route. The zero Access denies.
type Access struct {
	Mode Mode
	// With ModeLogin, one of these is enough; none of them set: every user.
	Users     []string
	Groups    []string
	Staff     bool
	Superuser bool
	// Networks that may pass at all, whatever the Mode; empty: all.
	Networks []netip.Prefix
}

// Outcome is what a rule says of a request. The lower one is the stricter; the zero Outcome refuses.
type Outcome int

const (
	Refused   Outcome = iota // whoever it is
	Forbidden                // this user
	NeedLogin                // nobody is logged in, and that might help
	Allowed
)

// Verdict is an [Outcome] and the rule it comes from.
type Verdict struct {
	Outcome Outcome
	Rule    string // host and path of the route
}

// Decide applies the rule to whom a request speaks for and where it comes from. It is pure. An address that is not known
// is in no network.
func (a Access) Decide(p auth.Principal, client netip.Addr) Outcome {
	switch {
	case a.Mode == ModeDeny || !a.inNetworks(client):
		return Refused
	case a.Mode == ModePublic || a.Mode == ModeOptional:
		return Allowed
	case a.Mode != ModeLogin:
		return Refused
	case p.Anonymous():
		return NeedLogin
	case a.accepts(p):
		return Allowed
	}
	return Forbidden
}

func (a Access) inNetworks(client netip.Addr) bool {
	return len(a.Networks) == 0 || contains(a.Networks, client)
}

func (a Access) accepts(p auth.Principal) bool {
	if len(a.Users) == 0 && len(a.Groups) == 0 && !a.Staff && !a.Superuser {
		return true
	}
	return a.Staff && p.Staff || a.Superuser && p.Superuser || slices.Contains(a.Users, p.Username) ||
		slices.ContainsFunc(p.Groups, func(group string) bool { return slices.Contains(a.Groups, group) })
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, network := range networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}
