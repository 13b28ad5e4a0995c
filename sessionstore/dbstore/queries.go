package dbstore

import (
	"fmt"
	"strings"

	"coatcheck/internal/sqlconn"
)

const table = "django_session"

type queries struct{ load, insert, update, swap, remove, clear, page string }

// queriesFor: expired is strictly earlier than now for clearing, and a record lives while its date is strictly later (SPEC: db_boundary). The outer
// date of the clearing statement matters: PostgreSQL looks at it again when the row was prolonged while the statement waited for it.
func queriesFor(d sqlconn.Dialect) queries {
	q := queries{
		load:   "SELECT SUBSTR(session_data, 1, {max}), {date} FROM {table} WHERE session_key = {1} AND expire_date > {2}",
		insert: "INSERT INTO {table} (session_key, session_data, expire_date) VALUES ({1}, {2}, {3})",
		update: "UPDATE {table} SET session_data = {1}, expire_date = {2} WHERE session_key = {3}",
		// A collation that takes upper for lower case does no harm: no two texts that differ in that alone are both signed.
		swap:   "UPDATE {table} SET session_data = {1}, expire_date = {2} WHERE session_key = {3} AND session_data = {4}",
		remove: "DELETE FROM {table} WHERE session_key = {1}",
		clear: "DELETE FROM {table} WHERE expire_date < {1} AND session_key IN " +
			"(SELECT session_key FROM {table} WHERE expire_date < {2} ORDER BY expire_date LIMIT {batch})",
		page: "SELECT session_key FROM {table} WHERE session_key > {1} ORDER BY session_key LIMIT {batch}",
	}
	if d == sqlconn.MySQL { // has no LIMIT in a subquery, but one in DELETE
		q.clear = "DELETE FROM {table} WHERE expire_date < {1} ORDER BY expire_date LIMIT {batch}"
	}
	r := strings.NewReplacer("{table}", d.Quote(table), "{date}", d.TimeColumn("expire_date"), "{max}", fmt.Sprint(maxData), "{batch}", fmt.Sprint(batch),
		"{1}", d.Placeholder(1), "{2}", d.Placeholder(2), "{3}", d.Placeholder(3), "{4}", d.Placeholder(4))
	for _, query := range []*string{&q.load, &q.insert, &q.update, &q.swap, &q.remove, &q.clear, &q.page} {
		*query = r.Replace(*query)
	}
	return q
}
