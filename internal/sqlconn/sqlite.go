package sqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteHeader begins every SQLite file (https://www.sqlite.org/fileformat.html section 1.3).
const sqliteHeader = "SQLite format 3\x00"

// openSQLite returns a pool of readers, a pool of one for writers, and where the file is.
func openSQLite(name string) (readers, writer *sql.DB, path string, err error) {
	path, err = sqlitePath(name)
	if err != nil {
		return nil, nil, "", err
	}
	if err := prepareSQLite(path); err != nil {
		return nil, nil, "", err
	}
	dsn := sqliteDSN(path, sqliteTimeout)
	if readers, err = sql.Open("sqlite", dsn); err != nil {
		return nil, nil, "", err
	}
	if writer, err = sql.Open("sqlite", dsn); err != nil {
		return nil, nil, "", errors.Join(err, readers.Close())
	}
	writer.SetMaxOpenConns(1)
	return readers, writer, path, nil
}

func sqlitePath(path string) (string, error) {
	switch {
	case path == "" || path == ":memory:":
		return "", errors.New("it needs a file; write sqlite:PATH")
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return "", errors.New("two slashes name a host; write sqlite:relative/path or sqlite:/absolute/path")
	case strings.ContainsRune(path, 0):
		return "", errors.New("the path holds a NUL")
	}
	return filepath.Abs(path)
}

// sqliteDSN: writers wait for one another; a transaction takes the write lock at its begin, since one that reads first and then writes
// is refused at once instead of waiting; what was committed is on the disk; a quoted name that is no column is an error, not a text.
func sqliteDSN(path string, busy time.Duration) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_dqs":    {"0"},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()),
			"foreign_keys(1)",
			"synchronous(FULL)",
		},
	}.Encode()}).String()
}

// prepareSQLite makes a missing file, and tells of a file that cannot be ours what is wrong with it.
func prepareSQLite(path string) error {
	file, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createSQLite(path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be read; give this user the right to read and write it and its folder", path)
	case err != nil:
		return err
	}
	defer file.Close()
	return checkSQLite(path, file)
}

func checkSQLite(path string, file *os.File) error {
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a folder; name a file in it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file; name another", path)
	case info.Size() == 0: // made by somebody else, or by touch; SQLite takes it as it is
		return nil
	}
	header := make([]byte, len(sqliteHeader))
	if _, err := io.ReadFull(file, header); err != nil || string(header) != sqliteHeader {
		return fmt.Errorf("%s is not an SQLite database; move it away or name another file", path)
	}
	return nil
}

// createSQLite makes the file under another name first, readable by this user alone and already in WAL mode (readers go on while somebody
// writes), so that two processes that start at once both find either nothing or the whole.
func createSQLite(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".coatcheck-*.sqlite3") // mode 0600
	if err != nil {
		return fmt.Errorf("create %s (its folder must exist and be writable): %w", path, err)
	}
	defer os.Remove(temp.Name())
	if err := temp.Close(); err != nil {
		return err
	}
	if err := writeEmptySQLite(temp.Name()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	err = os.Link(temp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a file system without hard links
		err = os.Rename(temp.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return syncFolder(filepath.Dir(path))
}

func writeEmptySQLite(path string) error {
	db, err := sql.Open("sqlite", sqliteDSN(path, sqliteTimeout))
	if err != nil {
		return err
	}
	_, err = db.Exec("PRAGMA journal_mode=WAL")
	return errors.Join(err, db.Close())
}

// syncFolder makes a new name in the folder outlast a power cut.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
