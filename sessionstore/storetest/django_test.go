package storetest_test

import (
	"path/filepath"
	"testing"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/storetest"
)

// TestDjangoEngines: the peer itself works with each of Django's engines, before a store is measured against it.
func TestDjangoEngines(t *testing.T) {
	sqlite := func(t *testing.T) map[string]any {
		return storetest.DjangoDatabase(t, "sqlite:"+filepath.Join(t.TempDir(), "db.sqlite3"))
	}
	redis := func(t *testing.T) map[string]any { return storetest.DjangoCaches(testenv.Redis(t).URL, "app", 7) }
	memcached := func(t *testing.T) map[string]any { return storetest.DjangoCaches(testenv.Memcached(t).URL, "", 0) }
	for name, test := range map[string]struct {
		engine string
		with   map[string]func(*testing.T) map[string]any
	}{
		"db":                     {"db", map[string]func(*testing.T) map[string]any{"DATABASES": sqlite}},
		"file":                   {"file", nil},
		"cache on redis":         {"cache", map[string]func(*testing.T) map[string]any{"CACHES": redis}},
		"cache on memcached":     {"cache", map[string]func(*testing.T) map[string]any{"CACHES": memcached}},
		"cached_db on redis":     {"cached_db", map[string]func(*testing.T) map[string]any{"CACHES": redis, "DATABASES": sqlite}},
		"cached_db on memcached": {"cached_db", map[string]func(*testing.T) map[string]any{"CACHES": memcached, "DATABASES": sqlite}},
		"signed_cookies":         {"signed_cookies", nil},
	} {
		t.Run(name, func(t *testing.T) {
			settings := storetest.DjangoSettings(test.engine, "secret")
			settings["SESSION_FILE_PATH"] = t.TempDir()
			for setting, make := range test.with {
				settings[setting] = make(t)
			}
			django := storetest.StartDjango(t, settings)
			if test.with["DATABASES"] != nil {
				django.Call("migrate", "sessions", "--verbosity", "0")
			}
			data := pyvalue.NewDict()
			data.Set("x", pyvalue.Float(1))
			made := django.Create(data)
			if got := django.Load(made.Key); !got.Found || got.Key != made.Key || !got.Data.Equal(data) {
				t.Errorf("made %+v, loaded %+v", made, got)
			}
			django.Delete(made.Key)
			if got := django.Load(made.Key); got.Found && test.engine != "signed_cookies" {
				t.Errorf("deleted, but loaded %+v", got)
			}
		})
	}
}
