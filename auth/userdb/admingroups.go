package userdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/text/unicode/norm"

	"coatcheck/auth"
)

// SetGroups makes the user a member of exactly these groups.
func (d *Directory) SetGroups(ctx context.Context, username string, names []string) error {
	return d.changeGroups(ctx, username, func(tx *sql.Tx, user auth.User) error {
		surplus := slices.DeleteFunc(slices.Clone(user.Groups), func(g string) bool { return slices.Contains(names, g) })
		if err := d.leave(ctx, tx, user, surplus); err != nil {
			return err
		}
		return d.join(ctx, tx, user, names)
	})
}

// AddGroups adds the user to the groups; groups that are missing are made.
func (d *Directory) AddGroups(ctx context.Context, username string, names []string) error {
	return d.changeGroups(ctx, username, func(tx *sql.Tx, user auth.User) error { return d.join(ctx, tx, user, names) })
}

// RemoveGroups takes the user out of the groups; the groups stay.
func (d *Directory) RemoveGroups(ctx context.Context, username string, names []string) error {
	return d.changeGroups(ctx, username, func(tx *sql.Tx, user auth.User) error { return d.leave(ctx, tx, user, names) })
}

func (d *Directory) changeGroups(ctx context.Context, username string, change func(*sql.Tx, auth.User) error) error {
	if d.readOnly() {
		return errReadOnly
	}
	return d.named("change groups of "+username, d.inTx(ctx, func(tx *sql.Tx) error {
		user, err := d.byName(ctx, tx, norm.NFKC.String(username))
		if err != nil {
			return err
		}
		if user.Groups, err = d.groups(ctx, tx, user); err != nil {
			return err
		}
		return change(tx, user)
	}))
}

func (d *Directory) join(ctx context.Context, tx *sql.Tx, user auth.User, names []string) error {
	table, err := d.writableJoins(ctx, tx)
	if err != nil {
		return err
	}
	p, quote := d.db.Placeholder, d.db.Quote
	text := "INSERT INTO " + table.table + " (" + table.user + ", " + quote("group_id") + ") VALUES (" + p(1) + ", " + p(2) + ")"
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if slices.Contains(user.Groups, name) {
			continue
		}
		group, err := d.group(ctx, tx, name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, text, idParameter(d.db.Dialect, user.ID), group); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) leave(ctx context.Context, tx *sql.Tx, user auth.User, names []string) error {
	table, err := d.writableJoins(ctx, tx)
	if err != nil {
		return err
	}
	p, quote := d.db.Placeholder, d.db.Quote
	text := "DELETE FROM " + table.table + " WHERE " + table.table + "." + table.user + " = " + p(1) + " AND " + table.table + "." + quote("group_id") + " = " + p(2)
	for _, name := range names {
		id, err := d.groupID(ctx, tx, name)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, text, idParameter(d.db.Dialect, user.ID), id); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) writableJoins(ctx context.Context, q querier) (membership, error) {
	join, err := d.joins(ctx, q)
	if err == nil && (join.table == "" || d.groupsQuery != nil) {
		err = ErrNoGroups
	}
	return join, err
}

// group returns the id of the group, which is made if it is missing.
func (d *Directory) group(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	if name == "" || len([]rune(name)) > 150 {
		return 0, fmt.Errorf("group name %q: use 1 to 150 characters", name)
	}
	id, err := d.groupID(ctx, tx, name)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	quote := d.db.Quote
	text := "INSERT INTO " + quote("auth_group") + " (" + quote("name") + ") VALUES (" + d.db.Placeholder(1) + ")"
	if _, err := tx.ExecContext(ctx, text, name); err != nil {
		return 0, err
	}
	return d.groupID(ctx, tx, name)
}

func (d *Directory) groupID(ctx context.Context, tx *sql.Tx, name string) (int64, error) {
	quote := d.db.Quote
	text := "SELECT " + quote("id") + " FROM " + quote("auth_group") + " WHERE " + quote("name") + " = " + d.db.Placeholder(1)
	var id int64
	err := tx.QueryRowContext(ctx, text, name).Scan(&id)
	return id, err
}
