package dbstore_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/storetest"
)

const secret = "a secret key of tests, åß"

func connect(t testing.TB, url string, opts sqlconn.Options) *sqlconn.DB {
	t.Helper()
	db, err := sqlconn.Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newStore(db *sqlconn.DB, now func() time.Time) *dbstore.Store {
	return dbstore.New(db, codec.NewSigned(signing.Keys{Secret: secret}, now), dbstore.Options{Now: now})
}

// place makes the table in the empty database at url.
func place(t testing.TB, url string, now func() time.Time) *storetest.Place {
	t.Helper()
	var opened []*sqlconn.DB
	open := func() sessionstore.Store {
		db := connect(t, url, sqlconn.Options{})
		opened = append(opened, db)
		return newStore(db, now)
	}
	if err := open().(*dbstore.Store).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &storetest.Place{
		Open: open,
		Damage: func(key string, raw []byte) {
			db := opened[0]
			query := "UPDATE django_session SET session_data = " + db.Placeholder(1) + " WHERE session_key = " + db.Placeholder(2)
			if _, err := db.Exec(query, strings.ToValidUTF8(string(raw), "?"), key); err != nil {
				t.Fatal(err)
			}
		},
		Break: func() {
			for _, db := range opened {
				_ = db.Close()
			}
		},
	}
}

// garbage is signed as it should be, and no session data.
func garbage() map[string][]byte {
	signer := signing.NewSigner(codec.StoreSalt, signing.Keys{Secret: secret})
	sign := func(payload string) []byte { return []byte(signer.Sign(payload, time.Now())) }
	b64 := base64.RawURLEncoding.EncodeToString
	return map[string][]byte{
		"39 signed, not base64":      sign("!!!"),
		"39 signed, not JSON":        sign(b64([]byte("flaskdj"))),
		"39 signed, not zlib":        sign("." + b64([]byte("flaskdj"))),
		"39 signed list":             sign(b64([]byte("[1,2]"))),
		"39 signed, nested too deep": sign(b64([]byte(`{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"))),
		"39 another secret":          []byte(signing.NewSigner(codec.StoreSalt, signing.Keys{Secret: "other"}).Sign(b64([]byte("{}")), time.Now())),
		"3 MB":                       sign(b64([]byte(`{"x":"` + strings.Repeat("x", 3<<20) + `"}`))),
		"empty":                      {},
	}
}

// databases are the URLs of empty databases, one of each kind.
var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") },
	"postgres": testenv.Postgres,
	"mariadb":  testenv.MariaDB,
}

func TestConformance(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, storetest.Harness{
				New: func(t testing.TB, now func() time.Time) *storetest.Place {
					url := database(t)
					p := place(t, url, now)
					p.Django = storetest.DjangoSettings("db", secret)
					p.Django["DATABASES"] = storetest.DjangoDatabase(t, url)
					return p
				},
				Garbage: garbage(),
			})
		})
	}
}
