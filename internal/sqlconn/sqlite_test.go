package sqlconn

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, url string, opts Options) *DB {
	t.Helper()
	db, err := Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func pragma(t *testing.T, db *DB, name string) string {
	t.Helper()
	var value string
	if err := db.QueryRow("PRAGMA " + name).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func exec(t *testing.T, db *DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestSQLiteFileOfOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with ?#% signs.sqlite3")
	db := open(t, "sqlite:"+path, Options{})
	exec(t, db, "CREATE TABLE t (x INTEGER)")
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "2000"} {
		if got := pragma(t, db, name); got != want {
			t.Errorf("PRAGMA %s = %s, want %s", name, got, want)
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s%s: %v, %v, want mode 0600", path, suffix, info, err)
		}
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".coatcheck-*")); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

func TestSQLiteFileOfOthersKeepsItsJournal(t *testing.T) {
	for _, mode := range []string{"delete", "wal"} {
		path := filepath.Join(t.TempDir(), "django.sqlite3")
		other := open(t, "sqlite:"+path, Options{})
		exec(t, other, "PRAGMA journal_mode="+mode)
		exec(t, other, "CREATE TABLE t (x INTEGER)")
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		db := open(t, "sqlite:"+path, Options{})
		exec(t, db, "INSERT INTO t VALUES (1)")
		if got := pragma(t, db, "journal_mode"); got != mode {
			t.Errorf("journal mode %s became %s", mode, got)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode became %v, %v", info, err)
		}
	}
}

func TestSQLiteRefusesWhatIsNoDatabase(t *testing.T) {
	folder := t.TempDir()
	writeFile(t, folder+"/text", "Dear diary, this is not a database at all.\n")
	writeFile(t, folder+"/short", "SQL")
	tests := map[string]string{folder: "is a folder", folder + "/text": "not an SQLite database", folder + "/short": "not an SQLite database",
		"/dev/null": "no regular file", folder + "/text/x": "not a directory", folder + "/none/x": "folder must exist"}
	if os.Getuid() != 0 {
		writeFile(t, folder+"/closed", sqliteHeader)
		if err := os.Chmod(folder+"/closed", 0); err != nil {
			t.Fatal(err)
		}
		tests[folder+"/closed"] = "give this user the right"
	}
	for path, want := range tests {
		if _, err := Open("sqlite:"+path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(sqlite:%s) = %v, want %q", path, err, want)
		}
	}
	if content, err := os.ReadFile(folder + "/text"); err != nil || !strings.HasPrefix(string(content), "Dear diary") {
		t.Errorf("the file was changed: %q, %v", content, err)
	}
}

func TestSQLiteCorruptIsAFault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "corrupt.sqlite3")
	writeFile(t, path, sqliteHeader+strings.Repeat("\xff", 8000))
	db := open(t, "sqlite:"+path, Options{})
	if err := db.PingContext(t.Context()); err == nil {
		_, err = db.Exec("SELECT 1 FROM t")
		if err == nil || IsMissingTable(err) || IsUnique(err) {
			t.Errorf("query = %v, want a fault", err)
		}
	}
}

func TestSQLiteRelativePathAndEmptyFile(t *testing.T) {
	t.Chdir(t.TempDir())
	exec(t, open(t, "sqlite:app.sqlite3", Options{}), "CREATE TABLE t (x INTEGER)")
	if _, err := os.Stat("app.sqlite3"); err != nil {
		t.Error(err)
	}
	writeFile(t, "empty.sqlite3", "")
	db := open(t, "sqlite:empty.sqlite3", Options{})
	exec(t, db, "CREATE TABLE t (x INTEGER)")
	if got := pragma(t, db, "journal_mode"); got != "delete" {
		t.Errorf("journal mode of a file that was there: %s, want delete", got)
	}
}

func TestSQLiteMadeByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sqlite3")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			db, err := Open("sqlite:"+path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer db.Close()
			if _, err := db.Exec("CREATE TABLE IF NOT EXISTS t (x INTEGER)"); err != nil {
				t.Error(err)
			}
			if _, err := db.Exec("INSERT INTO t VALUES (1)"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	db := open(t, "sqlite:"+path, Options{})
	var count int
	if err := db.QueryRow("SELECT count(*) FROM t").Scan(&count); err != nil || count != 8 {
		t.Errorf("%d rows, %v, want 8", count, err)
	}
	if got := pragma(t, db, "journal_mode"); got != "wal" {
		t.Errorf("journal mode %s, want wal", got)
	}
}

// A transaction that another process holds open makes a writer wait, and then a fault; readers go on.
func TestSQLiteLocked_F17(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sqlite3")
	other, db := open(t, "sqlite:"+path, Options{}), open(t, "sqlite:"+path, Options{})
	exec(t, other, "CREATE TABLE t (x INTEGER)")
	tx, err := other.BeginTx(t.Context(), nil) // immediate
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	ctx, cancel := db.Timeout(t.Context())
	defer cancel()
	_, err = db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
	if err == nil || IsUnique(err) || IsMissingTable(err) {
		t.Errorf("insert into a locked database = %v, want a fault", err)
	}
	var count int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM t").Scan(&count); err != nil {
		t.Errorf("read while another writes: %v", err)
	}
}
