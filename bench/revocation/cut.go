package main

import (
	"context"
	"fmt"
	"strings"

	"coatcheck/internal/sqlconn"
)

// cutter cuts the connections by which processes hear of changes, as a network would, and returns how many there were.
type cutter func(ctx context.Context) (int, error)

// cutters are those of the fleet's stores. Files and SQLite have no connection that could be cut.
func (f *fleet) cutters() []cutter {
	var list []cutter
	if f.site.Redis != nil {
		list = append(list, f.cutRedis)
	}
	if f.site.Dialect() == sqlconn.Postgres {
		list = append(list, f.cutPostgres)
	}
	return list
}

// cutRedis kills the connections that are told of changed keys: those with tracking on (flag t) or turned to by it, and subscribers (P).
func (f *fleet) cutRedis(context.Context) (int, error) {
	n := 0
	for client := range strings.Lines(f.site.Redis.Do("CLIENT", "LIST")) {
		fields := map[string]string{}
		for pair := range strings.FieldsSeq(client) {
			name, value, _ := strings.Cut(pair, "=")
			fields[name] = value
		}
		if !strings.ContainsAny(fields["flags"], "tP") {
			continue
		}
		if f.site.Redis.Do("CLIENT", "KILL", "ID", fields["id"]) == "1" {
			n++
		}
	}
	return n, nil
}

// cutPostgres ends the sessions whose last statement was LISTEN.
func (f *fleet) cutPostgres(ctx context.Context) (n int, err error) {
	err = f.site.DB.QueryRowContext(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query ILIKE 'listen%'").Scan(&n)
	if err != nil {
		err = fmt.Errorf("cut feeds of PostgreSQL: %w", err)
	}
	return n, err
}
