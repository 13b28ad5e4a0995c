// Package userdb is the user directory over SQL: Django's auth_user, an application's own user table, or one SELECT.
//
// Least privilege (ASVS 13.2.2): SELECT on the user table, and on auth_group and auth_user_groups (or on what the queries read), lets
// people log in. UPDATE of the column last_login records logins, of the column password upgrades hashes; without them both are left out,
// which is said once. INSERT, UPDATE and DELETE are for the user commands alone.
//
// A table is described by names that come from a configuration; they are held against a pattern and quoted, values are always
// parameters (ASVS 1.2.4). Columns are always named, for their order differs between Django's databases (SPEC 13.2).
package userdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

// DjangoTable is the table of Django's own user model.
const DjangoTable = "auth_user"

// Registry encodes and checks passwords; *password.Registry is one.
type Registry interface {
	Encode(password string) (string, error)
	Check(ctx context.Context, password, encoded string) (ok, outdated bool, err error)
	// Burn does the work of one check, for users that do not exist.
	Burn(ctx context.Context, password string) error
}

// Options describe where the users are.
type Options struct {
	Table   string  // empty: [DjangoTable]; may be "schema.table"
	Columns Columns // zero: [DjangoColumns]
	// GroupsQuery is a SELECT of group names with the placeholder :id or :username. Empty: the tables of Django's groups, where there are any.
	GroupsQuery string
	// Query replaces Table and Columns: a SELECT with the placeholder :login whose columns are called username and password (both
	// required), email, first_name, last_name, active, staff and superuser. The user's id is then the username, and the
	// query must find a user by it; it alone decides which spellings of a login name it takes.
	Query    string
	Registry Registry
	// Upgrade writes outdated passwords anew at login. Each write ends the user's other sessions.
	Upgrade bool
	Log     *slog.Logger // nil: nothing is logged
	// Attrs adds what a security event should say of the request in ctx (request id, client).
	Attrs func(ctx context.Context) []slog.Attr
	Now   func() time.Time // nil: time.Now
}

// Directory is a table of users. Safe for concurrent use.
type Directory struct {
	db       *sqlconn.DB
	registry Registry
	upgrade  bool
	log      *slog.Logger
	attrs    func(ctx context.Context) []slog.Attr
	now      func() time.Time

	name     string  // of the table, for messages
	table    string  // quoted; empty with a query
	columns  Columns // quoted
	selected string  // the quoted columns in the order of row, NULL where there is none
	query    *statement
	// lastLoginColumn is not quoted; empty where there is none.
	lastLoginColumn string

	groupsQuery *statement
	mu          sync.Mutex
	membership  *membership // learned at first use; nil before

	upgradeWarning sync.Once
	refused        seen
}

var (
	_ auth.Directory       = (*Directory)(nil)
	_ auth.PasswordChecker = (*Directory)(nil)
)

// Open checks the description; it does not ask the database, which may come up later. [Directory.Check] asks.
func Open(db *sqlconn.DB, o Options) (*Directory, error) {
	d := &Directory{db: db, registry: o.Registry, upgrade: o.Upgrade, log: o.Log, attrs: o.Attrs, now: o.Now}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.attrs == nil {
		d.attrs = func(context.Context) []slog.Attr { return nil }
	}
	if d.now == nil {
		d.now = time.Now
	}
	var queryErr, groupsErr error
	if o.Query != "" {
		d.name = "users.query"
		d.query, queryErr = compile(db.Dialect, "users.query", o.Query, "login")
	} else {
		queryErr = d.describe(o.Table, o.Columns)
	}
	if o.GroupsQuery != "" {
		d.groupsQuery, groupsErr = compile(db.Dialect, "users.groups_query", o.GroupsQuery, "id", "username")
	}
	if err := errors.Join(queryErr, groupsErr); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Directory) describe(table string, columns Columns) error {
	if table == "" {
		table = DjangoTable
	}
	if columns == (Columns{}) {
		columns = DjangoColumns()
	}
	tableErr := sqlconn.CheckIdent(table)
	if tableErr != nil {
		tableErr = fmt.Errorf("users.table: %w", tableErr)
	}
	quoted, err := columns.quoted(d.db.Dialect)
	if err := errors.Join(tableErr, err); err != nil {
		return err
	}
	d.name, d.table, d.columns, d.selected = table, d.db.Quote(table), quoted, quoted.selected(d.db.Quote(table))
	d.lastLoginColumn = columns.LastLogin
	if table == DjangoTable {
		d.membership = djangoMembership(d.db.Dialect)
	}
	return nil
}

// readOnly reports whether the directory is a query, which cannot be written to.
func (d *Directory) readOnly() bool { return d.query != nil }

// column is a quoted column with its table: SQLite takes a lone quoted name that no column has for a text, where a fault is due.
func (d *Directory) column(quoted string) string { return d.table + "." + quoted }
