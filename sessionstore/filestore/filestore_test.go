package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
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

// A directory that was removed is a fault and no logout, and its return is noticed (F01, F16).
func TestDirectoryRemoved_F16(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store := open(t, dir, time.Now)
	rec := sessionstore.Record{Data: pyvalue.NewDict(), Expires: time.Now().Add(time.Hour)}
	key, err := store.Create(t.Context(), sessionstore.NewKey(), rec)
	if err != nil {
		t.Fatal(err)
	}
	away := dir + ".away"
	if err := errors.Join(os.CopyFS(away, os.DirFS(dir)), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	_, loadErr := store.Load(t.Context(), key)
	_, createErr := store.Create(t.Context(), sessionstore.NewKey(), rec)
	for verb, err := range map[string]error{"load": loadErr, "create": createErr, "delete": store.Delete(t.Context(), key)} {
		if err == nil || errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("%s without the directory: got %v, want a fault", verb, err)
		}
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	_, _ = store.Load(t.Context(), key) // notices the return
	if _, err := store.Load(t.Context(), key); err != nil {
		t.Errorf("load after the directory is back: %v", err)
	}
}
