package filestore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/storetest"
)

const secret = "a secret key of tests, åß"

func place(t testing.TB, now func() time.Time) *storetest.Place {
	t.Helper()
	dir := t.TempDir()
	return &storetest.Place{
		Open: func() sessionstore.Store { return open(t, dir, now) },
		Damage: func(key string, raw []byte) {
			if err := os.WriteFile(filepath.Join(dir, "sessionid"+key), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		Django: map[string]any{
			"SECRET_KEY": secret, "SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir,
		},
	}
}

func open(t testing.TB, dir string, now func() time.Time) *filestore.Store {
	t.Helper()
	store, err := filestore.Open(codec.NewSigned(signing.Keys{Secret: secret}, now), filestore.Options{
		Dir: dir, CookieName: "sessionid", Settings: sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{New: place, Traits: storetest.Traits{DatesByData: true}})
}
