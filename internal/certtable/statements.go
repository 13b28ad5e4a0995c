package certtable

import "coatcheck/internal/sqlconn"

// clock is the database's, in Unix milliseconds.
var clock = map[sqlconn.Dialect]string{
	sqlconn.SQLite:   "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
	sqlconn.Postgres: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint)",
	sqlconn.MySQL:    "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
}

// create is the table: rows with a value are files, those with a token are locks.
func create(d sqlconn.Dialect) []string {
	name, sealed := "text", "text"
	if d == sqlconn.MySQL { // where texts are compared without case, and end after 64 KiB
		name, sealed = "text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "mediumtext"
	}
	return []string{"CREATE TABLE IF NOT EXISTS " + Name + " (name_hash varchar(64) NOT NULL PRIMARY KEY, name " + name + " NOT NULL, sealed " + sealed +
		" NULL, lock_token varchar(64) NULL, lease_end bigint NULL)"}
}

// replace makes the insert of a name that is there an update.
func replace(d sqlconn.Dialect) string {
	if d == sqlconn.MySQL {
		return " ON DUPLICATE KEY UPDATE sealed = VALUES(sealed)"
	}
	return " ON CONFLICT (name_hash) DO UPDATE SET sealed = excluded.sealed"
}

// held are the values of an insert, if the lock is held: hash, name and value; the lock's hash and token.
func held(d sqlconn.Dialect) string {
	p := d.Placeholder
	from := ""
	if d == sqlconn.MySQL {
		from = " FROM DUAL"
	}
	return "SELECT " + p(1) + ", " + p(2) + ", " + p(3) + from + " WHERE EXISTS (SELECT 1 FROM " + Name + " WHERE name_hash = " + p(4) + " AND lock_token = " + p(5) +
		" AND lease_end >= " + clock[d] + ")"
}

// newLock adds a lock that is not there: lease, token, hash and name.
func newLock(d sqlconn.Dialect) string {
	p := d.Placeholder
	verb, otherwise := "INSERT INTO ", " ON CONFLICT (name_hash) DO NOTHING"
	if d == sqlconn.MySQL {
		verb, otherwise = "INSERT IGNORE INTO ", ""
	}
	return verb + Name + " (lease_end, lock_token, name_hash, name) VALUES (" + clock[d] + " + " + p(1) + ", " + p(2) + ", " + p(3) + ", " + p(4) + ")" + otherwise
}
