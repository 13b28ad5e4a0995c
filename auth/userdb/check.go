package userdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/text/unicode/norm"

	"coatcheck/auth"
	"coatcheck/auth/password"
)

// CheckPassword implements [auth.PasswordChecker] (contrib/auth/backends.py ModelBackend.authenticate). An unknown, a disabled and a
// user without usable password cost one statement and one password check, like a wrong password (ASVS 6.3.8).
func (d *Directory) CheckPassword(ctx context.Context, login, plain string) (auth.User, error) {
	user, err := d.byName(ctx, d.db, norm.NFKC.String(login))
	switch {
	case errors.Is(err, auth.ErrNoUser):
		return auth.User{}, refusal(d.registry.Burn(ctx, plain))
	case err != nil:
		return auth.User{}, err
	}
	outdated, err := d.matches(ctx, user, plain)
	if err != nil {
		return auth.User{}, err
	}
	if outdated && d.upgrade {
		if user, err = d.upgraded(ctx, user, plain); err != nil {
			return auth.User{}, err
		}
	}
	user.Groups, err = d.groups(ctx, d.db, user)
	return user, err
}

// matches returns [auth.ErrInvalidCredentials] unless the password is right and the user may log in. Active is looked at last: the
// work is done by then.
func (d *Directory) matches(ctx context.Context, user auth.User, plain string) (outdated bool, err error) {
	ok, outdated, err := d.registry.Check(ctx, plain, user.Password)
	switch {
	case errors.Is(err, password.ErrUnusable):
		return false, auth.ErrInvalidCredentials
	case errors.Is(err, password.ErrUnknownFormat), errors.Is(err, password.ErrMalformed):
		if d.refused.first(user.ID) {
			d.log.LogAttrs(ctx, slog.LevelWarn, "stored password cannot be checked; this is said once a user", append([]slog.Attr{
				slog.String("event", "password_format_refused"), slog.String("user", user.Username), slog.Any("err", err)}, d.attrs(ctx)...)...)
		}
		return false, auth.ErrInvalidCredentials
	case err != nil || !ok || !user.Active:
		return false, refusal(err)
	}
	return outdated, nil
}

// refusal is the answer to a check that did not say yes.
func refusal(err error) error {
	switch {
	case err == nil:
		return auth.ErrInvalidCredentials
	case errors.Is(err, password.ErrBusy):
		return auth.ErrBusy
	}
	return fmt.Errorf("check password: %w", err)
}

// upgraded writes the password in the preferred format and returns the user as the table then has it. A table that may only be
// read keeps the old format; that is said once.
func (d *Directory) upgraded(ctx context.Context, user auth.User, plain string) (auth.User, error) {
	encoded, err := d.registry.Encode(plain)
	if errors.Is(err, password.ErrBusy) {
		return user, nil // the next login will do
	}
	if err != nil {
		d.warnUpgrade(ctx, err)
		return user, nil
	}
	changed, err := d.replacePassword(ctx, user, encoded)
	switch {
	case err != nil && ctx.Err() != nil:
		return auth.User{}, d.explain("upgrade password", err)
	case err != nil:
		d.warnUpgrade(ctx, err)
		return user, nil
	case !changed:
		return d.overtaken(ctx, user, plain)
	}
	user.Password, user.Upgraded = encoded, true
	return user, nil
}

// replacePassword writes only over the hash that was checked, so that it does not undo a change made meanwhile.
func (d *Directory) replacePassword(ctx context.Context, user auth.User, encoded string) (changed bool, err error) {
	if d.readOnly() {
		return false, errReadOnly
	}
	p := d.db.Placeholder
	text := "UPDATE " + d.table + " SET " + d.columns.Password + " = " + p(1) +
		" WHERE " + d.column(d.columns.ID) + " = " + p(2) + " AND " + d.column(d.columns.Password) + " = " + p(3)
	ctx, cancel := d.db.Timeout(ctx)
	defer cancel()
	res, err := d.db.ExecContext(ctx, text, encoded, idParameter(d.db.Dialect, user.ID), user.Password)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// overtaken looks again at a user whose password column changed between check and upgrade: another login may have upgraded it, or the
// password may be another one by now.
func (d *Directory) overtaken(ctx context.Context, user auth.User, plain string) (auth.User, error) {
	fresh, err := d.byID(ctx, d.db, user.ID)
	if errors.Is(err, auth.ErrNoUser) {
		return auth.User{}, auth.ErrInvalidCredentials
	}
	if err != nil {
		return auth.User{}, err
	}
	_, err = d.matches(ctx, fresh, plain)
	return fresh, err
}

func (d *Directory) warnUpgrade(ctx context.Context, err error) {
	d.upgradeWarning.Do(func() {
		d.log.WarnContext(ctx, "passwords are not upgraded at login: allow UPDATE on the user table, or set users.upgrade_passwords to false; this is said once",
			"table", d.name, "err", err)
	})
}

// RecordLogin writes last_login, and only that column (contrib/auth/models.py update_last_login). A table without one is fine.
func (d *Directory) RecordLogin(ctx context.Context, id string, at time.Time) error {
	if d.readOnly() || d.columns.LastLogin == "" {
		return nil
	}
	p := d.db.Placeholder
	text := "UPDATE " + d.table + " SET " + d.columns.LastLogin + " = " + p(1) + " WHERE " + d.column(d.columns.ID) + " = " + p(2)
	ctx, cancel := d.db.Timeout(ctx)
	defer cancel()
	_, err := d.db.ExecContext(ctx, text, d.db.Time(at), idParameter(d.db.Dialect, id))
	return d.explain("record last login", err)
}

// inTx runs act in one transaction.
func (d *Directory) inTx(ctx context.Context, act func(tx *sql.Tx) error) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // nothing after a Commit
	if err := act(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
