package sqlconn

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestTables(t *testing.T) {
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "db"), Options{})
	if got, err := db.Tables(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("tables of a new database: got %v, %v; want none", got, err)
	}
	exec(t, db, "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT)")
	exec(t, db, "CREATE TABLE a (id INTEGER)")
	if got, err := db.Tables(t.Context()); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v, %v; want a, b and not SQLite's own", got, err)
	}
}
