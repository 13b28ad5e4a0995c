package sqlconn

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Dialect is a kind of SQL.
type Dialect int

const (
	SQLite Dialect = iota
	Postgres
	MySQL // and MariaDB
)

func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "sqlite"
	case Postgres:
		return "postgres"
	case MySQL:
		return "mysql"
	}
	return "dialect " + strconv.Itoa(int(d))
}

// Placeholder returns the n-th placeholder of a statement, counted from 1.
func (d Dialect) Placeholder(n int) string {
	if d == Postgres {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]{0,62}$`)

// CheckIdent refuses a table or column name from a configuration that is not letters, digits, _ and $; a table may be written
// schema.table (ASVS 1.2.4).
func CheckIdent(ident string) error {
	for part := range strings.SplitSeq(ident, ".") {
		if !identifier.MatchString(part) {
			return fmt.Errorf("%.80q is no table or column name; use letters, digits, _ and $", ident)
		}
	}
	return nil
}

// Quote quotes a table or column name; the parts of schema.table each. It is safe with any text, but names from outside are
// checked by [CheckIdent] first.
func (d Dialect) Quote(ident string) string {
	mark := `"`
	if d == MySQL {
		mark = "`" // ANSI_QUOTES is rarely on
	}
	parts := strings.Split(strings.ReplaceAll(ident, "\x00", ""), ".")
	for i, part := range parts {
		parts[i] = mark + strings.ReplaceAll(part, mark, mark+mark) + mark
	}
	return strings.Join(parts, ".")
}

// Bool returns the literal of a boolean column's value.
func (d Dialect) Bool(value bool) string {
	switch {
	case d == Postgres:
		return strconv.FormatBool(value)
	case value:
		return "1"
	}
	return "0"
}
