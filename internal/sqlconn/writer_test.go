package sqlconn

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
)

// Many writers at once: none starves, and readers do not wait for them.
func TestSQLiteManyWriters_F17(t *testing.T) {
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "app.sqlite3"), Options{})
	exec(t, db, "CREATE TABLE t (x INTEGER)")
	insert, count := db.Statement("INSERT INTO t VALUES (?)"), db.Statement("SELECT count(*) FROM t")
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			for range 8 {
				ctx, cancel := db.Timeout(context.Background())
				if _, err := insert.Exec(ctx, i); err != nil {
					t.Error(err)
				}
				var n int
				if err := count.ScanRow(ctx, nil, &n); err != nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	group.Wait()
	var n int
	if err := count.ScanRow(t.Context(), nil, &n); err != nil || n != 64*8 {
		t.Errorf("%d rows, %v, want %d", n, err, 64*8)
	}
}

// A transaction holds the one writer; what waits for it gives up in time, and reads go on.
func TestSQLiteWriterIsHeld(t *testing.T) {
	db := open(t, "sqlite:"+filepath.Join(t.TempDir(), "app.sqlite3"), Options{})
	exec(t, db, "CREATE TABLE t (x INTEGER)")
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.ExecContext(ctx, "INSERT INTO t VALUES (1)"); err == nil {
		t.Error("a second writer got in")
	}
	rows, err := db.Statement("SELECT x FROM t").Query(t.Context())
	if err != nil || rows.Next() || rows.Close() != nil {
		t.Errorf("read beside a transaction: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	exec(t, db, "INSERT INTO t VALUES (1)")
}
