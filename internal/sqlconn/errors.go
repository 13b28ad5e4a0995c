package sqlconn

import (
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// IsUnique reports whether err says that a unique column has that value already.
func IsUnique(err error) bool {
	if err == nil {
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE
	}
	return hasCode(err, "23505", 1062)
}

// IsMissingTable reports whether err says that a table of the statement does not exist.
func IsMissingTable(err error) bool {
	return liteSays(err, "no such table") || hasCode(err, "42P01", 1146)
}

// IsMissingColumn reports whether err says that a column of the statement does not exist.
func IsMissingColumn(err error) bool {
	return liteSays(err, "no such column", "has no column named") || hasCode(err, "42703", 1054)
}

// IsRolledBack reports whether err says that the statement was undone for the sake of another transaction (deadlock, serialization failure) or of the
// server's end: it surely did not happen, and may be tried again (F18).
func IsRolledBack(err error) bool {
	return hasCode(err, "40001", 1213) || hasCode(err, "40P01", 1213) || hasCode(err, "57P01", 1927)
}

// isBusy reports whether err says that another connection holds an SQLite file.
func isBusy(err error) bool {
	var lite *sqlite.Error
	return err != nil && errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// IsLost reports whether err says that the connection broke: whether a write happened is not known, a read may be tried again (F04).
func IsLost(err error) bool {
	if err == nil {
		return false
	}
	for _, lost := range []error{driver.ErrBadConn, mysql.ErrInvalidConn, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

func hasCode(err error, sqlState string, number uint16) bool {
	if err == nil { // nearly always: nothing is allocated then
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == sqlState
	}
	var my *mysql.MySQLError
	return errors.As(err, &my) && my.Number == number
}

// liteSays looks at the text: SQLite has one code, SQLITE_ERROR, for all mistakes of a statement.
func liteSays(err error, texts ...string) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) || lite.Code() != sqlite3.SQLITE_ERROR {
		return false
	}
	for _, text := range texts {
		if strings.Contains(lite.Error(), text) {
			return true
		}
	}
	return false
}

// IsDenied reports whether err says that the database user has no right to do the statement.
func IsDenied(err error) bool {
	if err == nil {
		return false
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code()&0xff == sqlite3.SQLITE_READONLY
	}
	return hasCode(err, "42501", 1142) || hasCode(err, "42501", 1044)
}

// IsDuplicate reports whether err says that a column or an index that was to be added is there already.
func IsDuplicate(err error) bool {
	return liteSays(err, "duplicate column name") || hasCode(err, "42701", 1060) || hasCode(err, "42P07", 1061)
}
