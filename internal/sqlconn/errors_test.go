package sqlconn

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"coatcheck/internal/testenv"
)

func TestErrors(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "app.sqlite3") },
		"postgres": testenv.Postgres,
		"mariadb":  testenv.MariaDB,
	} {
		t.Run(name, func(t *testing.T) { checkErrors(t, open(t, database(t), Options{})) })
	}
	for _, err := range []error{nil, errors.New("no such table"), context.Canceled, fs.ErrNotExist} {
		if IsUnique(err) || IsMissingTable(err) || IsMissingColumn(err) || IsRolledBack(err) || IsLost(err) {
			t.Errorf("%v is taken for an answer of a database", err)
		}
	}
}

func checkErrors(t *testing.T, db *DB) {
	exec(t, db, "CREATE TABLE t (k VARCHAR(9) PRIMARY KEY NOT NULL, u VARCHAR(9) UNIQUE)")
	exec(t, db, "INSERT INTO t VALUES ('a', 'b')")
	tests := map[string]struct{ unique, table, column bool }{
		"INSERT INTO t VALUES ('a', 'c')":    {unique: true},
		"INSERT INTO t VALUES ('c', 'b')":    {unique: true},
		"INSERT INTO t VALUES (NULL, 'c')":   {},
		"INSERT INTO absent VALUES (1)":      {table: true},
		"SELECT absent FROM t":               {column: true},
		"INSERT INTO t (absent) VALUES('1')": {column: true},
		"SELEKT":                             {},
	}
	for query, want := range tests {
		_, err := db.Exec(query)
		if err == nil || IsUnique(err) != want.unique || IsMissingTable(err) != want.table || IsMissingColumn(err) != want.column {
			t.Errorf("%s: %v: unique %v, table %v, column %v; want %+v", query, err, IsUnique(err), IsMissingTable(err), IsMissingColumn(err), want)
		}
	}
}
