package ledger

import "coatcheck/internal/sqlconn"

// create is the table of logged-out signed cookies.
func create(d sqlconn.Dialect) []string {
	date := map[sqlconn.Dialect]string{sqlconn.SQLite: "datetime", sqlconn.Postgres: "timestamp with time zone", sqlconn.MySQL: "datetime(6)"}[d]
	return []string{"CREATE TABLE IF NOT EXISTS " + Table + " (session_hash varchar(64) NOT NULL PRIMARY KEY, revoked_until " + date + " NULL)"}
}

// describe adds what is known of a session. Times are Unix milliseconds. A row without user_id is a revocation alone.
func describe(d sqlconn.Dialect) (statements []string) {
	add := "ALTER TABLE " + Table + " ADD COLUMN "
	index := "CREATE INDEX IF NOT EXISTS "
	userID := "user_id varchar(255) NULL"
	switch d {
	case sqlconn.Postgres: // where a duplicate would end the transaction
		add += "IF NOT EXISTS "
	case sqlconn.MySQL: // where texts are compared without case, and indexes have no IF NOT EXISTS
		index = "CREATE INDEX "
		userID = "user_id varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"
	}
	for _, column := range []string{userID, "created bigint NULL", "auth_time bigint NULL", "last_seen bigint NULL", "expires bigint NULL",
		"address varchar(64) NULL", "agent varchar(200) NULL", "sealed_key text NULL"} {
		statements = append(statements, add+column)
	}
	return append(statements, index+Table+"_user ON "+Table+" (user_id)", index+Table+"_expires ON "+Table+" (expires)")
}
