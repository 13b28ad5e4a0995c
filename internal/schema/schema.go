// Package schema brings our own tables (coatcheck_…) to the version that this program needs, forwards only. A table that a newer program has
// brought further is left as it is: steps only ever add what an older program can do without.
package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/sqlconn"
)

// Table keeps the version of each part.
const Table = "coatcheck_schema"

// upgradeTime bounds an upgrade, the wait for other processes that do the same included.
const upgradeTime = 30 * time.Second

// Part is a table of ours with what belongs to it.
type Part struct {
	// Name is the table's.
	Name string
	// Steps lead from nothing to the newest version, which is their number. One that was released is never changed. Each is harmless where it
	// was done before: MySQL commits every statement by itself. New columns may be left out by whoever does not know them.
	Steps []Step
}

// Step returns the statements of one version.
type Step func(d sqlconn.Dialect) []string

// Upgrade brings the part to its newest version. What is new enough is only looked at, which needs no right to change tables. Any number
// of processes may do it at once. An error that is a *[DeniedError] tells the statements for somebody with more rights.
func Upgrade(ctx context.Context, db *sqlconn.DB, part Part) error {
	ctx, cancel := context.WithTimeout(ctx, upgradeTime)
	defer cancel()
	at, err := version(ctx, db, db.Dialect, part.Name)
	if err != nil && !sqlconn.IsMissingTable(err) {
		return fmt.Errorf("read version of %s: %w", part.Name, err)
	}
	if at >= len(part.Steps) {
		return nil
	}
	err = alone(ctx, db, func(on executor) error { return part.upgrade(ctx, db.Dialect, on) })
	if sqlconn.IsDenied(err) {
		err = &DeniedError{Part: part.Name, Statements: part.statements(db.Dialect, at), Err: err}
	}
	if err != nil {
		return fmt.Errorf("upgrade table %s: %w", part.Name, err)
	}
	return nil
}

// executor is a connection or a transaction.
type executor interface {
	queryer
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version is 0 for a part that is not known.
func version(ctx context.Context, on queryer, d sqlconn.Dialect, name string) (at int, err error) {
	err = on.QueryRowContext(ctx, "SELECT version FROM "+Table+" WHERE name = "+d.Placeholder(1), name).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return at, err
}

// upgrade does the steps that are missing; nobody else does so meanwhile.
func (p Part) upgrade(ctx context.Context, d sqlconn.Dialect, on executor) error {
	if _, err := on.ExecContext(ctx, createTable); err != nil {
		return err
	}
	at, err := version(ctx, on, d, p.Name)
	if err != nil || at >= len(p.Steps) { // another process was faster
		return err
	}
	for _, step := range p.Steps[at:] {
		for _, statement := range step(d) {
			if _, err := on.ExecContext(ctx, statement); err != nil && !sqlconn.IsDuplicate(err) {
				return err
			}
		}
	}
	_, err = on.ExecContext(ctx, p.note(at))
	return err
}

const createTable = "CREATE TABLE IF NOT EXISTS " + Table + " (name varchar(64) NOT NULL PRIMARY KEY, version integer NOT NULL)"

// note writes the newest version where it was at. Names are ours: they need no placeholder.
func (p Part) note(at int) string {
	if at == 0 {
		return fmt.Sprintf("INSERT INTO %s (name, version) VALUES ('%s', %d)", Table, p.Name, len(p.Steps))
	}
	return fmt.Sprintf("UPDATE %s SET version = %d WHERE name = '%s'", Table, len(p.Steps), p.Name)
}

// statements are all that lead from version at to the newest.
func (p Part) statements(d sqlconn.Dialect, at int) []string {
	all := []string{createTable}
	for _, step := range p.Steps[at:] {
		all = append(all, step(d)...)
	}
	return append(all, p.note(at))
}
