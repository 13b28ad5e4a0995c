package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"coatcheck/auth"
	"coatcheck/internal/pyvalue"
)

// holders counts what the users of the sampled sessions say to them.
type holders struct {
	known, unknown, wrong int
	sha1                  int
	backends              []string // that are not honoured
}

// lookAtHolders asks whether the sessions' users are there, and whether their hashes fit: in each request one that does not is logged out.
func lookAtHolders(ctx context.Context, p *Patient, n *notes) {
	if p.Users == nil {
		return
	}
	h, err := p.countHolders(ctx)
	switch {
	case err != nil || h.known+h.unknown+len(h.backends) == 0:
		return
	case h.unknown > 0 && h.known == 0:
		n.problem("users.table", fmt.Sprintf("none of the %d users of the sessions is in %s", h.unknown, p.Config.Users.Table),
			"name the table (AUTH_USER_MODEL) in users.table, or its database in users.url")
	case h.sha1 > 0:
		n.warning("users.table", fmt.Sprintf("%d sessions have hashes of Django before 3.1, which are not honoured", h.sha1), "update Django to 3.1 or later and remove DEFAULT_HASHING_ALGORITHM = 'sha1'")
	case h.wrong > 0 && h.wrong == h.known:
		n.problem("secret_key", fmt.Sprintf("the session hash fits none of %d users: everybody is logged out at the first request", h.known),
			"set secret_key to Django's SECRET_KEY, and users.columns.password to the column that Django reads")
	case h.wrong > 0:
		n.ok("%d of %d sessions are from before their user's password was changed; they end when they are used", h.wrong, h.known)
	}
	for _, backend := range h.backends {
		n.warning("users.backends", "sessions were begun by "+backend+", which is not honoured: they count as anonymous", "add "+backend+" to users.backends")
	}
	n.well("the users of %d sessions are there, and the hashes fit", h.known)
}

func (p *Patient) countHolders(ctx context.Context) (holders, error) {
	var h holders
	for _, k := range p.sampleOf(ctx).sessions {
		id := textOf(k.data, auth.DataUserID)
		if id == "" {
			continue
		}
		if b := textOf(k.data, auth.DataBackend); b != auth.DefaultBackend && !slices.Contains(p.Config.Users.Backends, b) {
			if !slices.Contains(h.backends, b) && len(h.backends) < few {
				h.backends = append(h.backends, b)
			}
			continue
		}
		user, err := p.Users.User(ctx, id)
		if err != nil && !errors.Is(err, auth.ErrNoUser) {
			return h, err
		}
		h.add(p, user, err == nil, textOf(k.data, auth.DataHash))
	}
	return h, nil
}

func (h *holders) add(p *Patient, user auth.User, found bool, hash string) {
	const sha1Digits = 40
	switch {
	case !found:
		h.unknown++
		return
	case len(hash) == sha1Digits:
		h.sha1++
	case !auth.HashFits(p.Keys, user, hash):
		h.wrong++
	}
	h.known++
}

// textOf is a text of session data, or a whole number as text; empty for everything else.
func textOf(d *pyvalue.Dict, name string) string {
	if d == nil {
		return ""
	}
	value, _ := d.Get(name)
	switch v := value.(type) {
	case pyvalue.Str:
		return string(v)
	case pyvalue.Int:
		return v.String()
	}
	return ""
}
