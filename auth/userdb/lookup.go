package userdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// User implements [auth.Directory]: two statements, the row by primary key and its groups.
func (d *Directory) User(ctx context.Context, id string) (auth.User, error) {
	user, err := d.byID(ctx, d.db, id)
	if err != nil {
		return auth.User{}, err
	}
	user.Groups, err = d.groups(ctx, d.db, user)
	return user, err
}

func (d *Directory) byID(ctx context.Context, q querier, id string) (auth.User, error) {
	if id == "" || len(id) > 255 || strings.ContainsRune(id, 0) || !utf8.ValidString(id) {
		return auth.User{}, auth.ErrNoUser
	}
	if d.query != nil {
		return d.byLogin(ctx, q, id, func(u auth.User) bool { return u.ID == id })
	}
	text := "SELECT " + d.selected + " FROM " + d.table + " WHERE " + d.column(d.columns.ID) + " = " + d.db.Placeholder(1)
	// The id is compared again here: databases convert "1x" or "1.0" to the number 1 on the way.
	return d.one(ctx, q, func(u auth.User) bool { return u.ID == id }, text, idParameter(d.db.Dialect, id))
}

// byName finds the user of exactly this name. Collations of MySQL find "alice" for "àlice", "ALICE" and "alice ": the row's own name
// decides (SPEC 8.7).
func (d *Directory) byName(ctx context.Context, q querier, name string) (auth.User, error) {
	if d.query != nil {
		return d.byLogin(ctx, q, name, func(auth.User) bool { return true })
	}
	text := "SELECT " + d.selected + " FROM " + d.table + " WHERE " + d.column(d.columns.Username) + " = " + d.db.Placeholder(1)
	return d.one(ctx, q, func(u auth.User) bool { return u.Username == name }, text, name)
}

func (d *Directory) byLogin(ctx context.Context, q querier, login string, keep func(auth.User) bool) (auth.User, error) {
	return d.one(ctx, q, keep, d.query.text, d.query.args(map[string]any{"login": login})...)
}

// one returns the only row that keep accepts. Two of them are no user: nobody can say whose password it is.
func (d *Directory) one(ctx context.Context, q querier, keep func(auth.User) bool, text string, args ...any) (auth.User, error) {
	users, err := d.read(ctx, q, text, args...)
	if invalidID(err) {
		return auth.User{}, auth.ErrNoUser
	}
	if err != nil {
		return auth.User{}, d.explain("look up user", err)
	}
	users = slices.DeleteFunc(users, func(u auth.User) bool { return !keep(u) })
	if len(users) > 1 {
		d.log.WarnContext(ctx, "several rows for one user name: none of them can log in", "table", d.name, "user", users[0].Username)
	}
	if len(users) != 1 {
		return auth.User{}, auth.ErrNoUser
	}
	return users[0], nil
}

func (d *Directory) read(ctx context.Context, q querier, text string, args ...any) ([]auth.User, error) {
	ctx, cancel := d.db.Timeout(ctx)
	defer cancel()
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	if err := d.requireColumns(columns); err != nil {
		return nil, err
	}
	var users []auth.User
	for rows.Next() {
		user, err := d.scan(rows, columns)
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	return users, rows.Err()
}

func (d *Directory) requireColumns(columns []string) error {
	if d.query == nil {
		return nil
	}
	for _, need := range []string{"username", "password"} {
		if !slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, need) }) {
			return fmt.Errorf("users.query returns no column %q: add one with AS %s", need, need)
		}
	}
	return nil
}

func (d *Directory) scan(rows *sql.Rows, columns []string) (auth.User, error) {
	var r row
	targets := r.targets()
	if d.query != nil {
		targets = r.named(columns)
	}
	if err := rows.Scan(targets...); err != nil {
		return auth.User{}, fmt.Errorf("read row: %w", err)
	}
	user := r.user()
	if d.query != nil {
		user.ID = user.Username
	}
	if !d.has(columns, d.columns.Active, "active") {
		user.Active = true
	}
	return user, nil
}

// has reports whether there is a column: by its configured name, or in a query by its own.
func (d *Directory) has(columns []string, configured, own string) bool {
	if d.query == nil {
		return configured != ""
	}
	return slices.ContainsFunc(columns, func(c string) bool { return strings.EqualFold(c, own) })
}

// idParameter is the id as the database compares it with a column of its own type, by index. PostgreSQL and MySQL convert a text
// that was meant for a number column; SQLite does it for columns only, not for expressions such as those of a view.
func idParameter(dialect sqlconn.Dialect, id string) any {
	if dialect != sqlconn.SQLite {
		return id
	}
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && strconv.FormatInt(n, 10) == id && n < math.MaxInt64 {
		return n
	}
	return id
}

// invalidID reports PostgreSQL's refusal of a text that is no value of the id column: 22P02 invalid text, 22003 out of range.
func invalidID(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && (state.SQLState() == "22P02" || state.SQLState() == "22003")
}
