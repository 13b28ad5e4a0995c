package userdb

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/auth"
	"coatcheck/auth/password"
)

var _ auth.Passwords = (*Directory)(nil)

// MayReplace implements [auth.Passwords]: it asks the database, by a statement that changes no row, whether we may write the password
// column. A query cannot be written to; of a table that refuses us, for want of a right or because it is a view, that is the answer.
func (d *Directory) MayReplace(ctx context.Context) (bool, error) {
	if d.readOnly() {
		return false, nil
	}
	within, cancel := d.db.Timeout(ctx)
	defer cancel()
	_, err := d.db.ExecContext(within, "UPDATE "+d.table+" SET "+d.columns.Password+" = "+d.columns.Password+" WHERE 1 = 0")
	if err == nil {
		return true, nil
	}
	if denied(err) || unwritable(err) {
		return false, nil
	}
	return false, d.explain("ask whether passwords may be changed", err)
}

// ReplacePassword implements [auth.Passwords].
func (d *Directory) ReplacePassword(ctx context.Context, u auth.User, plain string) (auth.User, error) {
	encoded, err := d.registry.Encode(plain)
	if errors.Is(err, password.ErrBusy) {
		return auth.User{}, auth.ErrBusy
	}
	if err != nil {
		return auth.User{}, fmt.Errorf("encode password: %w", err)
	}
	changed, err := d.replacePassword(ctx, u, encoded)
	if err != nil {
		return auth.User{}, d.explain("change password", err)
	}
	if !changed {
		return auth.User{}, auth.ErrInvalidCredentials
	}
	u.Password = encoded
	return u, nil
}
