package auth

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"slices"

	"coatcheck/internal/signing"
)

// Row is a user's row as it is kept in memory, with what follows from it; the password column is not kept. It is immutable and shared.
type Row struct {
	principal Principal // without Session
	active    bool
	hash      [32]byte // the session hash under the current secret key, undone from hexadecimal
	ofUser    remembered
}

// NewRow returns the row of u under the current secret key of keys.
func NewRow(u User, keys signing.Keys) *Row {
	r := &Row{principal: principalOf(u, nil), active: u.Active}
	copy(r.hash[:], signing.SaltedHMAC(sessionHashSalt, keys.Secret, u.Password))
	r.principal.ofUser = &r.ofUser
	return r
}

// Size is about how many bytes of memory the row takes.
func (r *Row) Size() int {
	p := &r.principal
	size := 256 + len(p.ID) + len(p.Username) + len(p.Email) + len(p.Name)
	for _, g := range p.Groups {
		size += 16 + len(g)
	}
	return size
}

// fits reports whether a session with this session hash is the user's, in constant time.
func (r *Row) fits(hash string) bool {
	var current [64]byte
	hex.Encode(current[:], r.hash[:])
	return subtle.ConstantTimeCompare(current[:], []byte(hash)) == 1
}

// Same reports whether the other row says the same: then whoever remembers this one may go on.
func (r *Row) Same(o *Row) bool {
	a, b := &r.principal, &o.principal
	return r.hash == o.hash && r.active == o.active && a.ID == b.ID && a.Username == b.Username && a.Email == b.Email && a.Name == b.Name &&
		a.Staff == b.Staff && a.Superuser == b.Superuser && slices.Equal(a.Groups, b.Groups)
}

// Rows keeps rows of a directory in memory, and hears of their changes.
type Rows interface {
	// Row returns the row: the same pointer for as long as it stands as it is. Errors are those of a [Directory].
	Row(ctx context.Context, id string) (*Row, error)
	// Forget makes the next Row ask the directory.
	Forget(id string)
}
