package sessionstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// keeper is a store that keeps every record it has loaded.
type keeper struct {
	*storetest.Memory
	mu   sync.Mutex
	kept map[string]*sessionstore.Kept
}

func (k *keeper) Keep(ctx context.Context, key string) (*sessionstore.Kept, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if kept := k.kept[key]; kept != nil {
		return kept, nil
	}
	rec, err := k.Load(ctx, key)
	if err != nil {
		return nil, err
	}
	kept, err := sessionstore.Freeze(rec)
	k.kept[key] = kept
	return kept, err
}

func (k *keeper) Forget(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.kept, key)
}

func (k *keeper) Believed() bool { return true }

func newKeeper() *keeper {
	return &keeper{Memory: storetest.NewMemory(time.Now), kept: map[string]*sessionstore.Kept{}}
}

// TestKept_J4: of many requests of one session none sees what another one changed without saving it, also inside containers. It is for -race, too.
func TestKept_J4(t *testing.T) {
	sessions := sessionstore.New(newKeeper(), sessionstore.Settings{CookieAge: time.Hour}, time.Now)
	first, err := sessions.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Set("owner", "nobody")
	_ = first.Set("cart", []any{"book"})
	if err := first.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 50 {
				s, err := sessions.Open(t.Context(), first.Key())
				if err != nil {
					t.Error(err)
					return
				}
				owner, _ := s.GetString("owner")
				cart, _ := s.Get("cart")
				list := cart.(*pyvalue.List)
				if owner != "nobody" || len(list.Items) != 1 || list.Items[0] != pyvalue.Str("book") {
					t.Errorf("owner %q, cart %v; want nobody's book", owner, list.Items)
				}
				_ = s.Set("owner", fmt.Sprint(i))
				list.Items[0] = pyvalue.Str(fmt.Sprint(i))
				list.Items = append(list.Items, pyvalue.NewInt(int64(i)))
				s.Delete("cart")
			}
		})
	}
	all.Wait()
}

// TestKept_changed: a session that was changed says nothing of the record it came from.
func TestKept_changed(t *testing.T) {
	for name, change := range map[string]func(s *sessionstore.Session){
		"set":    func(s *sessionstore.Session) { _ = s.Set("x", 2) },
		"delete": func(s *sessionstore.Session) { s.Delete("x") },
		"clear":  (*sessionstore.Session).Clear,
		"touch":  (*sessionstore.Session).Touch,
		"expiry": func(s *sessionstore.Session) { s.SetExpiry(sessionstore.AtBrowserClose()) },
		"saved":  func(s *sessionstore.Session) { s.Touch(); _ = s.Save(context.Background()) },
		"cycled": func(s *sessionstore.Session) { _ = s.CycleKey(context.Background()) },
		"ended":  func(s *sessionstore.Session) { _ = s.Flush(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			store := newKeeper()
			key, err := store.Create(t.Context(), sessionstore.NewKey(), recordOf(t, "x", 1))
			if err != nil {
				t.Fatal(err)
			}
			s, err := sessionstore.New(store, sessionstore.Settings{CookieAge: time.Hour}, time.Now).Open(t.Context(), key)
			if err != nil || s.Kept() == nil {
				t.Fatalf("%v, kept %v", err, s.Kept())
			}
			change(s)
			if s.Kept() != nil {
				t.Error("still the record in memory")
			}
		})
	}
}

// TestReload: what ended or changed elsewhere is seen by a session that came from memory.
func TestReload(t *testing.T) {
	store := newKeeper()
	sessions := sessionstore.New(store, sessionstore.Settings{CookieAge: time.Hour}, time.Now)
	key, err := store.Create(t.Context(), sessionstore.NewKey(), recordOf(t, "x", "old"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sessions.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Update(t.Context(), key, recordOf(t, "x", "new")); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if x, _ := s.GetString("x"); x != "new" {
		t.Errorf("x = %q, want new", x)
	}
	if err := store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(t.Context()); err != nil || s.Key() != "" || !s.Empty() {
		t.Errorf("%v, key %q; want an empty session", err, s.Key())
	}
}

func recordOf(t testing.TB, name string, value any) sessionstore.Record {
	t.Helper()
	v, err := pyvalue.Of(value)
	if err != nil {
		t.Fatal(err)
	}
	d := pyvalue.NewDict()
	d.Set(name, v)
	return sessionstore.Record{Data: d, Expires: time.Now().Add(time.Hour)}
}

// FuzzFreeze: what is kept comes back as it was, or is not kept.
func FuzzFreeze(f *testing.F) {
	for _, text := range []string{`{}`, `{"_auth_user_id": "1", "_auth_user_hash": "` + strings.Repeat("0a", 32) + `"}`, `{"_auth_user_hash": "` + strings.Repeat("0A", 32) + `"}`,
		`{"a": 1.0, "b": [1, {"c": null}], "a b": "x"}`, `{"": ""}`, `{"next": "cart", "long": "` + strings.Repeat("x", 128) + `", "after": "y"}`, `{"\ud800": "\udc00"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := pyvalue.ParseJSON(text)
		if err != nil {
			return
		}
		kept, err := sessionstore.Freeze(sessionstore.Record{Data: data})
		if err != nil {
			return
		}
		if got := kept.Record().Data; !got.Equal(data) {
			t.Errorf("%q came back as %v", text, got.Entries())
		}
	})
}

// TestFreeze_kinds: all that stores can hold is kept.
func TestFreeze_kinds(t *testing.T) {
	inner := &pyvalue.List{Items: []pyvalue.Value{pyvalue.NewInt(1)}}
	d := pyvalue.NewDict()
	for name, v := range map[string]pyvalue.Value{
		"text": pyvalue.Str("x"), "bytes": pyvalue.Bytes("\xff"), "tuple": pyvalue.Tuple{pyvalue.None{}, pyvalue.Bool(true)},
		"set": &pyvalue.Set{Items: []pyvalue.Value{pyvalue.Str("a")}}, "list": inner, "same list": inner, "float": pyvalue.Float(1),
	} {
		d.Set(name, v)
	}
	kept, err := sessionstore.Freeze(sessionstore.Record{Data: d})
	if err != nil {
		t.Fatal(err)
	}
	got := kept.Record().Data
	if !got.Equal(d) {
		t.Errorf("came back as %v", got.Entries())
	}
	a, _ := got.Get("list")
	if b, _ := got.Get("same list"); a != b {
		t.Error("one list became two")
	}
}
