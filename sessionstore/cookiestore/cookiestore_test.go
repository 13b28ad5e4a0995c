package cookiestore_test

import (
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/ledger"
	"coatcheck/sessionstore/storetest"
)

const secret = "a secret key of tests, åß"

func place(t testing.TB, now func() time.Time) *storetest.Place {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "db")
	var opened []*sqlconn.DB
	return &storetest.Place{
		Open: func() sessionstore.Store {
			db, err := sqlconn.Open(url, sqlconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			opened = append(opened, db)
			t.Cleanup(func() { db.Close() })
			l := ledger.New(db, signing.Keys{Secret: secret}, now)
			if err := l.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			return cookiestore.New(signing.Keys{Secret: secret}, l, sessionstore.DefaultCookieAge, now)
		},
		Break: func() {
			for _, db := range opened {
				db.Close()
			}
		},
		Django: map[string]any{"SECRET_KEY": secret, "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
	}
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{New: place, Traits: storetest.Traits{KeyIsData: true, DatesByData: true, OwnName: "_coatcheck_nonce"}})
}
