package userdb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

//go:embed schema/*.sql
var schema embed.FS

// CreateTables makes the tables and indexes of Django's auth application that are missing, exactly as Django's migrations do, so that a
// Django can take them over (migrate --fake-initial). An application's own user table is not ours to make.
func (d *Directory) CreateTables(ctx context.Context) error {
	if d.name != DjangoTable {
		return fmt.Errorf("create tables: %s is not Django's %s; make it with its own application", d.name, DjangoTable)
	}
	statements, err := schemaOf(d.db.Dialect)
	if err != nil {
		return err
	}
	if err := d.db.Make(ctx, statements...); err != nil {
		return d.explain("create tables", err)
	}
	return d.Check(ctx)
}

func schemaOf(dialect sqlconn.Dialect) ([]string, error) {
	file := map[sqlconn.Dialect]string{sqlconn.SQLite: "sqlite", sqlconn.Postgres: "postgres", sqlconn.MySQL: "mysql"}[dialect]
	text, err := schema.ReadFile("schema/" + file + ".sql")
	if err != nil {
		return nil, fmt.Errorf("create tables: no schema for this database: %w", err)
	}
	_, body, _ := strings.Cut(string(text), "\n") // the first line is a comment
	return strings.Split(strings.TrimSuffix(body, ";\n"), ";\n"), nil
}

// Check asks the database whether the users and their groups can be read as described, and says what to do if not.
func (d *Directory) Check(ctx context.Context) error {
	user, err := d.probe(ctx)
	if err != nil {
		return err
	}
	_, err = d.groups(ctx, d.db, user)
	return err
}

// probe reads any one user, or with a query tries an unlikely name; the zero user is fine, too.
func (d *Directory) probe(ctx context.Context) (auth.User, error) {
	if d.query != nil {
		_, err := d.byName(ctx, d.db, "coatcheck")
		return auth.User{}, ignore(err, auth.ErrNoUser)
	}
	users, err := d.read(ctx, d.db, "SELECT "+d.selected+" FROM "+d.table+" LIMIT 1")
	if err != nil {
		return auth.User{}, d.explain("read users", err)
	}
	if len(users) == 0 {
		return auth.User{}, nil
	}
	return users[0], nil
}

func ignore(err, sentinel error) error {
	if errors.Is(err, sentinel) {
		return nil
	}
	return err
}

// lastLogin reads the column that logins do not need.
func (d *Directory) lastLogin(ctx context.Context, id string) (at time.Time, err error) {
	if d.lastLoginColumn == "" {
		return time.Time{}, nil
	}
	text := "SELECT " + d.db.TimeColumn(d.name+"."+d.lastLoginColumn) + " FROM " + d.table + " WHERE " + d.column(d.columns.ID) + " = " + d.db.Placeholder(1)
	err = d.db.QueryRowContext(ctx, text, idParameter(d.db.Dialect, id)).Scan(d.db.ScanTime(&at))
	return at, d.explain("read last login", ignore(err, sql.ErrNoRows))
}
