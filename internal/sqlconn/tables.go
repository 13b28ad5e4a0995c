package sqlconn

import (
	"context"
	"fmt"
)

// tablesQuery lists the names of the tables that unqualified names reach.
var tablesQuery = map[Dialect]string{
	SQLite:   "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
	Postgres: "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = ANY (current_schemas(false)) ORDER BY tablename",
	MySQL:    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
}

// Tables returns the names of the database's tables.
func (db *DB) Tables(ctx context.Context) ([]string, error) {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	rows, err := db.QueryContext(ctx, tablesQuery[db.Dialect])
	if err != nil {
		return nil, fmt.Errorf("list tables of %s database: %w", db.Dialect, err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables of %s database: %w", db.Dialect, err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tables of %s database: %w", db.Dialect, err)
	}
	return names, nil
}

// makeAttempts bounds the races that Make loses; each means that another process has made a table or an index.
const makeAttempts = 5

// Make runs CREATE … IF NOT EXISTS statements one by one. PostgreSQL does those not in one step: when several processes start at once its catalog
// reports a duplicate row, type or relation; trying again finds what the other made.
func (db *DB) Make(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		var err error
		for range makeAttempts {
			if err = db.makeOne(ctx, statement); !isMadeMeanwhile(err) {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) makeOne(ctx context.Context, statement string) error {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	_, err := db.ExecContext(ctx, statement)
	return err
}

func isMadeMeanwhile(err error) bool {
	return IsUnique(err) || hasCode(err, "42710", 0) || hasCode(err, "42P07", 0)
}
