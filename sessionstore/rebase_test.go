package sessionstore_test

import (
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// TestRebase_J2: a save of a session that came from memory keeps what was changed elsewhere, and not yet heard of; and brings nothing back.
func TestRebase_J2(t *testing.T) {
	for name, save := range map[string]func(s *sessionstore.Session) error{
		"save":      func(s *sessionstore.Session) error { return s.Save(t.Context()) },
		"cycle key": func(s *sessionstore.Session) error { return s.CycleKey(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			store := newKeeper()
			sessions := sessionstore.New(store, sessionstore.Settings{CookieAge: time.Hour}, time.Now)
			rec := recordOf(t, "ours", "old")
			for _, more := range []string{"theirs", "deleted here", "deleted there", "untouched"} {
				rec.Data.Set(more, pyvalue.Str("old"))
			}
			key, err := store.Create(t.Context(), sessionstore.NewKey(), rec)
			if err != nil {
				t.Fatal(err)
			}
			s, err := sessions.Open(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			rec.Data.Set("theirs", pyvalue.Str("new"))
			rec.Data.Set("added there", pyvalue.Str("new"))
			rec.Data.Delete("deleted there")
			if _, err := store.Update(t.Context(), key, rec); err != nil {
				t.Fatal(err)
			}
			_ = s.Set("ours", "new")
			_ = s.Set("added here", "new")
			s.Delete("deleted here")
			if err := save(s); err != nil {
				t.Fatal(err)
			}
			got, err := store.Load(t.Context(), s.Key())
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{"ours": "new", "theirs": "new", "untouched": "old", "added here": "new", "added there": "new", "deleted here": "", "deleted there": ""} {
				v, _ := got.Data.Get(name)
				if text, _ := v.(pyvalue.Str); string(text) != want {
					t.Errorf("%s = %q, want %q", name, text, want)
				}
			}
		})
	}
}
