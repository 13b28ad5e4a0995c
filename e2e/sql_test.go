package e2e

import (
	"testing"

	"coatcheck/internal/sqlconn"
)

// sql runs a statement on the SQLite file, as another program would.
func sql(t testing.TB, file, statement string, args ...any) {
	t.Helper()
	db, err := sqlconn.Open("sqlite:"+file, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
