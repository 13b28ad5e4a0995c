package sqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// timeLayout is how Django writes dates where the database has no type for them: without zone, and without a fraction of zero
// (django/db/backends/sqlite3/operations.py adapt_datetimefield_value). SQLite compares them as text.
const timeLayout = "2006-01-02 15:04:05"

// ErrTime is wrapped by the error of a Scan that met something else than a date.
var ErrTime = errors.New("not a date")

// Time returns t as an argument of a statement: text in the database's time zone for SQLite and MySQL. It keeps microseconds.
func (db *DB) Time(t time.Time) any {
	t = t.Truncate(time.Microsecond)
	if db.Dialect == Postgres {
		return t.UTC()
	}
	return formatTime(t.In(db.zone))
}

func formatTime(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.Format(timeLayout)
	}
	return t.Format(timeLayout + ".000000")
}

// TimeColumn returns the expression that selects a date for [DB.ScanTime]. SQLite's driver would turn a column declared datetime into
// a time.Time of its own reading; an expression has no declared type.
func (d Dialect) TimeColumn(column string) string {
	if d == SQLite {
		return "CAST(" + d.Quote(column) + " AS TEXT)"
	}
	return d.Quote(column)
}

// ScanTime returns a destination for Scan that reads a date selected with [Dialect.TimeColumn] into t, in UTC. NULL is the zero time.
func (db *DB) ScanTime(t *time.Time) sql.Scanner { return &timeScanner{zone: db.zone, t: t} }

type timeScanner struct {
	zone *time.Location
	t    *time.Time
}

// Scan implements [sql.Scanner].
func (s *timeScanner) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*s.t = time.Time{}
		return nil
	case time.Time:
		*s.t = v.UTC()
		return nil
	case []byte:
		return s.parse(string(v))
	case string:
		return s.parse(v)
	}
	return fmt.Errorf("%w but a %T", ErrTime, src)
}

// parse takes what Django writes, any number of fractional digits, and a T as separator; an offset decides over the zone.
func (s *timeScanner) parse(text string) error {
	for _, layout := range []string{timeLayout, "2006-01-02T15:04:05", timeLayout + "Z07:00", time.RFC3339, "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, s.zone); err == nil {
			*s.t = t.UTC()
			return nil
		}
	}
	return fmt.Errorf("%w: %.40q", ErrTime, text)
}
