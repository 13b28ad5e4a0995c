package cacheddbstore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret key of tests, åß"

func openCache(t testing.TB, url string, opts cache.Options) *cache.Cache {
	t.Helper()
	c, err := cache.Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func openDB(t testing.TB, url string) *sqlconn.DB {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// rowsIn returns the store of rows in the empty database db, with its table.
func rowsIn(t testing.TB, db *sqlconn.DB, now func() time.Time) *dbstore.Store {
	t.Helper()
	rows := dbstore.New(db, codec.NewSigned(signing.Keys{Secret: secret}, now), dbstore.Options{Now: now})
	if err := rows.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return rows
}

// site is a running cache and a kind of database.
type site struct {
	cacheURL    string
	databaseURL func(testing.TB) string // of an empty one
}

func (s site) harness() storetest.Harness {
	places := 0
	return storetest.Harness{
		New: func(t testing.TB, now func() time.Time) *storetest.Place {
			places++
			prefix := fmt.Sprintf("place%d", places)
			databaseURL := s.databaseURL(t)
			var dbs []*sqlconn.DB
			var caches []*cache.Cache
			p := &storetest.Place{
				Open: func() sessionstore.Store {
					db, c := openDB(t, databaseURL), openCache(t, s.cacheURL, cache.Options{KeyPrefix: prefix, Now: now})
					dbs, caches = append(dbs, db), append(caches, c)
					return cacheddbstore.New(rowsIn(t, db, now), c, cacheddbstore.Options{Now: now})
				},
				Damage: func(key string, raw []byte) {
					query := "UPDATE django_session SET session_data = " + dbs[0].Placeholder(1) + " WHERE session_key = " + dbs[0].Placeholder(2)
					if _, err := dbs[0].Exec(query, strings.ToValidUTF8(string(raw), "?"), key); err != nil {
						t.Fatal(err)
					}
					if err := caches[0].Replace(t.Context(), cacheddbstore.KeyPrefix+key, raw, now().Add(time.Hour)); err != nil {
						t.Fatal(err)
					}
				},
				Break: func() {
					for i := range dbs {
						_, _ = dbs[i].Close(), caches[i].Close()
					}
				},
			}
			p.Django = storetest.DjangoSettings("cached_db", secret)
			p.Django["DATABASES"] = storetest.DjangoDatabase(t, databaseURL)
			p.Django["CACHES"] = storetest.DjangoCaches(s.cacheURL, prefix, 1)
			return p
		},
		Traits: storetest.Traits{ServerClock: true, NoExpiry: true},
	}
}

func sqlite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") }

func TestConformanceRedisSQLite(t *testing.T) {
	storetest.Run(t, site{cacheURL: testenv.Redis(t).URL, databaseURL: sqlite}.harness())
}

func TestConformanceRedisPostgres(t *testing.T) {
	storetest.Run(t, site{cacheURL: testenv.Redis(t).URL, databaseURL: testenv.Postgres}.harness())
}

func TestConformanceMemcachedSQLite(t *testing.T) {
	storetest.Run(t, site{cacheURL: testenv.Memcached(t).URL, databaseURL: sqlite}.harness())
}
