package dbstore

import (
	"context"
	"fmt"

	"coatcheck/internal/sqlconn"
)

// CreateTable makes Django's table and indexes where there is no table, exactly as Django's migrations make them, names included. A table that is
// there is only looked at: the right to create is not needed then.
func (s *Store) CreateTable(ctx context.Context) error {
	err := s.Check(ctx)
	if !sqlconn.IsMissingTable(err) {
		return err
	}
	if err := s.db.Make(ctx, schema(s.db.Dialect)...); err != nil {
		return fmt.Errorf("create %s: %w", table, err)
	}
	return nil
}

func schema(d sqlconn.Dialect) []string {
	switch d {
	case sqlconn.Postgres:
		return []string{
			`CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" timestamp with time zone NOT NULL)`,
			`CREATE INDEX IF NOT EXISTS "django_session_session_key_c0390e0f_like" ON "django_session" ("session_key" varchar_pattern_ops)`,
			`CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")`,
		}
	case sqlconn.MySQL: // MySQL has no CREATE INDEX IF NOT EXISTS
		return []string{"CREATE TABLE IF NOT EXISTS `django_session` (`session_key` varchar(40) NOT NULL PRIMARY KEY, `session_data` longtext NOT NULL, " +
			"`expire_date` datetime(6) NOT NULL, KEY `django_session_expire_date_a5c62663` (`expire_date`))"}
	}
	return []string{
		`CREATE TABLE IF NOT EXISTS "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS "django_session_expire_date_a5c62663" ON "django_session" ("expire_date")`,
	}
}

// Check asks the database whether the table is there and is Django's.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := s.db.Timeout(ctx)
	defer cancel()
	q := s.db.Quote
	row := s.db.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(*) FROM (SELECT %s, %s, %s FROM %s WHERE 1 = 0) AS empty_set",
		q("session_key"), q("session_data"), q("expire_date"), q(table)))
	var none int
	if err := row.Scan(&none); err != nil {
		return s.fault("look at", err)
	}
	return nil
}
