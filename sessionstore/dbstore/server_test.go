package dbstore_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/storetest"
)

// A Django with USE_TZ off keeps its own time in SQLite and MySQL.
func TestConformanceWithoutUseTZ(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			storetest.RunDjango(t, storetest.Harness{New: func(t testing.TB, now func() time.Time) *storetest.Place {
				store := newStore(connect(t, url, sqlconn.Options{TimeZone: chicago}), now)
				if err := store.CreateTable(t.Context()); err != nil {
					t.Fatal(err)
				}
				settings := storetest.DjangoSettings("db", secret)
				settings["USE_TZ"], settings["TIME_ZONE"] = false, "America/Chicago"
				settings["DATABASES"] = storetest.DjangoDatabase(t, url)
				return &storetest.Place{Open: func() sessionstore.Store { return store }, Django: settings}
			}})
		})
	}
}

// schemaOf describes django_session as the database sees it.
func schemaOf(t *testing.T, db *sqlconn.DB) string {
	t.Helper()
	query := map[sqlconn.Dialect]string{
		sqlconn.SQLite: "SELECT sql FROM sqlite_master WHERE tbl_name = 'django_session' AND sql IS NOT NULL ORDER BY name",
		sqlconn.Postgres: `SELECT column_name || ' ' || udt_name || ' ' || coalesce(character_maximum_length::text, '') || ' ' || is_nullable
			FROM information_schema.columns WHERE table_name = 'django_session'
			UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename = 'django_session' ORDER BY 1`,
		sqlconn.MySQL: `SELECT CONCAT_WS(' ', column_name, column_type, is_nullable, column_key) FROM information_schema.columns
			WHERE table_schema = DATABASE() AND table_name = 'django_session'
			UNION ALL SELECT CONCAT_WS(' ', index_name, column_name, non_unique) FROM information_schema.statistics
			WHERE table_schema = DATABASE() AND table_name = 'django_session' ORDER BY 1`,
	}[db.Dialect]
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.ReplaceAll(line, "public.", ""))
	}
	return strings.Join(all, "\n")
}

// TestCreateTable compares our table with the one that Django's migrations make, names of indexes included.
func TestCreateTable(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			ours, theirs := database(t), database(t)
			settings := storetest.DjangoSettings("db", secret)
			settings["DATABASES"] = storetest.DjangoDatabase(t, theirs)
			storetest.StartDjango(t, settings).Call("migrate", "sessions", "--verbosity", "0")
			db := connect(t, ours, sqlconn.Options{})
			for range 2 { // the second time it is there
				if err := newStore(db, time.Now).CreateTable(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			got, want := schemaOf(t, db), schemaOf(t, connect(t, theirs, sqlconn.Options{}))
			if got != want {
				t.Errorf("our table:\n%s\nDjango's:\n%s", got, want)
			}
		})
	}
	t.Run("sqlite of Django's other versions", func(t *testing.T) {
		db := connect(t, "sqlite:"+filepath.Join(t.TempDir(), "db.sqlite3"), sqlconn.Options{})
		if err := newStore(db, time.Now).CreateTable(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, set := range sets {
			theirs, _ := fixture(t, set, secret, time.Now())
			if got, want := schemaOf(t, db), schemaOf(t, theirs); got != want {
				t.Errorf("our table:\n%s\nDjango's (%s):\n%s", got, set, want)
			}
		}
	})
}

func TestCreateTableByManyAtOnce(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := connect(t, database(t), sqlconn.Options{})
			errs := make(chan error)
			for range 6 {
				go func() { errs <- newStore(db, time.Now).CreateTable(t.Context()) }()
			}
			for range 6 {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Clearing goes in batches, and takes all of them (F33).
func TestClearExpiredInBatches_F33(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := connect(t, database(t), sqlconn.Options{})
			store := newStore(db, time.Now)
			if err := store.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			const expired, live = 2300, 100
			var values []string
			for i := range expired + live {
				year := 2001
				if i >= expired {
					year = 2099
				}
				values = append(values, fmt.Sprintf("('%032d', 'x', '%d-01-01 00:00:00')", i, year))
			}
			if _, err := db.Exec("INSERT INTO django_session (session_key, session_data, expire_date) VALUES " + strings.Join(values, ",")); err != nil {
				t.Fatal(err)
			}
			for _, want := range []int64{expired, 0} {
				if n, err := store.ClearExpired(t.Context()); err != nil || n != want {
					t.Errorf("cleared %d, %v, want %d", n, err, want)
				}
			}
			keys := 0
			if err := store.Keys(t.Context(), func(string) bool { keys++; return true }); err != nil || keys != live {
				t.Errorf("%d keys left, %v, want %d", keys, err, live)
			}
		})
	}
}

// A session that is prolonged while the cleaner waits for its row is not cleared.
func TestClearExpiredSparesWhatIsSaved(t *testing.T) {
	for _, name := range []string{"postgres", "mariadb"} {
		t.Run(name, func(t *testing.T) {
			db := connect(t, databases[name](t), sqlconn.Options{})
			store := newStore(db, time.Now)
			key := strings.Repeat("a", 32)
			if err := store.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			past := sessionstore.Record{Data: pyvalue.NewDict(), Expires: time.Now().Add(-time.Hour)}
			if _, err := store.Create(t.Context(), key, past); err != nil {
				t.Fatal(err)
			}
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if _, err := tx.Exec("UPDATE django_session SET expire_date = '2099-01-01 00:00:00' WHERE session_key = '" + key + "'"); err != nil {
				t.Fatal(err)
			}
			cleared := make(chan int64)
			go func() {
				n, err := store.ClearExpired(t.Context())
				if err != nil {
					t.Error(err)
				}
				cleared <- n
			}()
			time.Sleep(100 * time.Millisecond) // the cleaner now waits for the row; if it has not begun, it finds nothing to clear
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			if n := <-cleared; n != 0 {
				t.Errorf("cleared %d, want 0", n)
			}
			if _, err := store.Load(t.Context(), key); err == nil {
				return
			} else if _, refused := err.(*sessionstore.RefusedError); !refused {
				t.Errorf("load = %v", err)
			}
		})
	}
}

// The server goes and comes back: faults meanwhile, no restart needed (F01, F02, F18).
func TestServerGoesAndComesBack(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testenv.DatabaseServer{"postgres": testenv.PostgresServer, "mariadb": testenv.MariaDBServer} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			stopped := newStore(connect(t, server.URL, sqlconn.Options{}), time.Now)
			if err := stopped.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := stopped.Create(t.Context(), keyA, anHour()); err != nil {
				t.Fatal(err)
			}
			t.Run("F01 stopped", func(t *testing.T) { away(t, stopped, server.Stop, server.Start) })
			t.Run("F01 killed", func(t *testing.T) { away(t, stopped, server.Kill, server.Start) })
			// PostgreSQL's processes for connections that are open would not freeze.
			fresh := newStore(connect(t, server.URL, sqlconn.Options{}), time.Now)
			t.Run("F02 frozen", func(t *testing.T) { away(t, fresh, server.Pause, server.Resume) })
		})
	}
}

var keyA = strings.Repeat("a", 32)

func anHour() sessionstore.Record {
	return sessionstore.Record{Data: pyvalue.NewDict(), Expires: time.Now().Add(time.Hour)}
}

func away(t *testing.T, store *dbstore.Store, leave, comeBack func()) {
	leave()
	_, loadErr := store.Load(t.Context(), keyA)
	_, saveErr := store.Update(t.Context(), keyA, anHour())
	for verb, err := range map[string]error{"load": loadErr, "update": saveErr, "delete": store.Delete(t.Context(), keyA)} {
		if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrGone) {
			t.Errorf("%s = %v, want a fault", verb, err)
		}
	}
	comeBack()
	if _, err := store.Load(t.Context(), keyA); err != nil {
		t.Errorf("load from the server that is back: %v", err)
	}
}

// Connections that the server ends cost nobody his session, however many there are in the pool (F18).
func TestConnectionsKilled_F18(t *testing.T) {
	kill := map[string]string{
		"postgres": "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()",
		"mariadb":  "KILL CONNECTION USER CURRENT_USER()",
	}
	for name, statement := range kill {
		t.Run(name, func(t *testing.T) {
			url := databases[name](t)
			store := newStore(connect(t, url, sqlconn.Options{}), time.Now)
			if err := store.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Create(t.Context(), keyA, anHour()); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				fillPool(t, store)
				// MariaDB's statement ends its own connection as well.
				if _, err := connect(t, url, sqlconn.Options{}).Exec(statement); err != nil && name != "mariadb" {
					t.Fatal(err)
				}
				if _, err := store.Update(t.Context(), keyA, anHour()); err != nil {
					t.Errorf("update: %v", err)
				}
				fillPool(t, store)
			}
		})
	}
}

// fillPool loads on all connections of the pool at once.
func fillPool(t *testing.T, store *dbstore.Store) {
	var group sync.WaitGroup
	for range 2 * sqlconn.DefaultMaxConns {
		group.Go(func() {
			if _, err := store.Load(t.Context(), keyA); err != nil {
				t.Errorf("load: %v", err)
			}
		})
	}
	group.Wait()
}
