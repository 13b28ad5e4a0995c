package userdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

// Account is a user as the administration sees them.
type Account struct {
	auth.User
	LastLogin time.Time // zero: never, or not recorded
}

// NewUser is a user to be added.
type NewUser struct {
	Username, Password         string
	Email, FirstName, LastName string
	Staff, Superuser           bool
	Groups                     []string // made where they are missing
}

// usernamePattern is Django's UnicodeUsernameValidator (contrib/auth/validators.py).
var usernamePattern = regexp.MustCompile(`^[\p{L}\p{N}_.@+-]{1,150}$`)

// Add adds an active user; [ErrUserExists] when the name is taken. The name is kept in NFKC, as Django's create_user does.
func (d *Directory) Add(ctx context.Context, n NewUser) (auth.User, error) {
	if d.readOnly() {
		return auth.User{}, errReadOnly
	}
	n.Username = norm.NFKC.String(n.Username)
	if !usernamePattern.MatchString(n.Username) {
		return auth.User{}, fmt.Errorf("user name %q: use 1 to 150 letters, digits and _ . @ + -", n.Username)
	}
	if n.Password == "" {
		return auth.User{}, errors.New("an empty password is refused")
	}
	encoded, err := d.registry.Encode(n.Password)
	if err != nil {
		return auth.User{}, fmt.Errorf("encode password: %w", err)
	}
	var user auth.User
	err = d.inTx(ctx, func(tx *sql.Tx) error {
		user, err = d.insert(ctx, tx, n, encoded)
		return err
	})
	if sqlconn.IsUnique(err) { // perhaps somebody else added them since we looked
		if _, lookup := d.byName(ctx, d.db, n.Username); lookup == nil {
			err = ErrUserExists
		}
	}
	return user, d.named("add user "+n.Username, err)
}

func (d *Directory) insert(ctx context.Context, tx *sql.Tx, n NewUser, encoded string) (auth.User, error) {
	if _, err := d.byName(ctx, tx, n.Username); !errors.Is(err, auth.ErrNoUser) {
		if err == nil {
			err = ErrUserExists
		}
		return auth.User{}, err
	}
	text, args, err := d.insertStatement(ctx, tx, n, encoded)
	if err != nil {
		return auth.User{}, err
	}
	if _, err := tx.ExecContext(ctx, text, args...); err != nil {
		return auth.User{}, err
	}
	user, err := d.byName(ctx, tx, n.Username)
	if err != nil {
		return auth.User{}, err
	}
	if len(n.Groups) > 0 {
		if err := d.join(ctx, tx, user, n.Groups); err != nil {
			return auth.User{}, err
		}
	}
	user.Groups, err = d.groups(ctx, tx, user)
	return user, err
}

// insertStatement names every column that we know of: Django's have no defaults in the database (SPEC 13.2).
func (d *Directory) insertStatement(ctx context.Context, q querier, n NewUser, encoded string) (string, []any, error) {
	present, err := d.columnsOf(ctx, q, d.table)
	if err != nil {
		return "", nil, err
	}
	var names, marks []string
	var args []any
	put := func(column string, value any) {
		if column != "" && !slices.Contains(names, column) { // the e-mail address may be the user name
			args = append(args, value)
			names, marks = append(names, column), append(marks, d.db.Placeholder(len(args)))
		}
	}
	put(d.columns.Username, n.Username)
	put(d.columns.Password, encoded)
	put(d.columns.Email, n.Email)
	put(d.columns.FirstName, n.FirstName)
	put(d.columns.LastName, n.LastName)
	put(d.columns.Active, true)
	put(d.columns.Staff, n.Staff)
	put(d.columns.Superuser, n.Superuser)
	for _, column := range present {
		if column == "date_joined" { // of every user model that is made from Django's AbstractUser
			put(d.db.Quote(column), d.db.Time(d.now()))
		}
	}
	text := "INSERT INTO " + d.table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	return text, args, nil
}

// Named returns the user of exactly this name in NFKC, or [auth.ErrNoUser].
func (d *Directory) Named(ctx context.Context, username string) (Account, error) {
	user, err := d.byName(ctx, d.db, norm.NFKC.String(username))
	if err != nil {
		return Account{}, err
	}
	return d.account(ctx, user)
}

// Login returns the user as a login of this name finds one, without groups, or [auth.ErrNoUser]. It reads what a login reads.
func (d *Directory) Login(ctx context.Context, name string) (auth.User, error) {
	return d.byName(ctx, d.db, norm.NFKC.String(name))
}

func (d *Directory) account(ctx context.Context, user auth.User) (Account, error) {
	var err error
	a := Account{User: user}
	if a.Groups, err = d.groups(ctx, d.db, user); err != nil {
		return Account{}, err
	}
	a.LastLogin, err = d.lastLogin(ctx, user.ID)
	return a, err
}

// List returns all users by name.
func (d *Directory) List(ctx context.Context) ([]Account, error) {
	if d.readOnly() {
		return nil, errReadOnly
	}
	users, err := d.read(ctx, d.db, "SELECT "+d.selected+" FROM "+d.table+" ORDER BY "+d.column(d.columns.Username))
	if err != nil {
		return nil, d.explain("list users", err)
	}
	accounts := make([]Account, len(users))
	for i, user := range users {
		if accounts[i], err = d.account(ctx, user); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// Count returns how many users there are.
func (d *Directory) Count(ctx context.Context) (int64, error) {
	if d.readOnly() {
		return 0, errReadOnly
	}
	var n int64
	err := d.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+d.table).Scan(&n)
	return n, d.explain("count users", err)
}

// SetPassword gives the user a new password, which ends their sessions.
func (d *Directory) SetPassword(ctx context.Context, username, plain string) error {
	if plain == "" {
		return errors.New("an empty password is refused")
	}
	encoded, err := d.registry.Encode(plain)
	if err != nil {
		return fmt.Errorf("encode password: %w", err)
	}
	return d.update(ctx, username, d.columns.Password, "password", encoded)
}

// SetActive lets the user log in, or keeps them out; their sessions come back to life with them.
func (d *Directory) SetActive(ctx context.Context, username string, active bool) error {
	return d.update(ctx, username, d.columns.Active, "active", active)
}

// SetStaff sets the staff flag.
func (d *Directory) SetStaff(ctx context.Context, username string, staff bool) error {
	return d.update(ctx, username, d.columns.Staff, "staff", staff)
}

// SetSuperuser sets the superuser flag.
func (d *Directory) SetSuperuser(ctx context.Context, username string, superuser bool) error {
	return d.update(ctx, username, d.columns.Superuser, "superuser", superuser)
}

// update sets one column of the user of exactly this name; key names the column in messages.
func (d *Directory) update(ctx context.Context, username, column, key string, value any) error {
	if d.readOnly() {
		return errReadOnly
	}
	if column == "" {
		return fmt.Errorf("%s has no %s column; name it in users.columns.%s", d.name, key, key)
	}
	user, err := d.byName(ctx, d.db, norm.NFKC.String(username))
	if err != nil {
		return d.named("change user "+username, err)
	}
	p := d.db.Placeholder
	text := "UPDATE " + d.table + " SET " + column + " = " + p(1) + " WHERE " + d.column(d.columns.ID) + " = " + p(2)
	_, err = d.db.ExecContext(ctx, text, value, idParameter(d.db.Dialect, user.ID))
	return d.named("change user "+username, err)
}

// Delete removes the user and what joins them to groups and permissions.
func (d *Directory) Delete(ctx context.Context, username string) error {
	if d.readOnly() {
		return errReadOnly
	}
	return d.named("delete user "+username, d.inTx(ctx, func(tx *sql.Tx) error {
		user, err := d.byName(ctx, tx, norm.NFKC.String(username))
		if err != nil {
			return err
		}
		return d.remove(ctx, tx, user)
	}))
}

func (d *Directory) remove(ctx context.Context, tx *sql.Tx, user auth.User) error {
	join, err := d.joins(ctx, tx)
	if err != nil {
		return err
	}
	rows := [][2]string{{d.table, d.columns.ID}}
	if join.table != "" {
		rows = [][2]string{{join.table, join.user}, {join.perms, join.user}, {d.table, d.columns.ID}}
	}
	for _, row := range rows {
		text := "DELETE FROM " + row[0] + " WHERE " + row[0] + "." + row[1] + " = " + d.db.Placeholder(1)
		if _, err := tx.ExecContext(ctx, text, idParameter(d.db.Dialect, user.ID)); err != nil {
			return err
		}
	}
	return nil
}

// named says which act on whom failed; the sentinels stay as they are underneath.
func (d *Directory) named(act string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, auth.ErrNoUser) || errors.Is(err, ErrUserExists) || errors.Is(err, ErrNoGroups) {
		return fmt.Errorf("%s: %w", act, err)
	}
	return d.explain(act, err)
}
