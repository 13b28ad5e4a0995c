package storetest

import (
	"errors"
	"testing"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// life holds lines 15 to 27, and 76. Line 25 (the key is read-only) holds by the type.
func (h Harness) life(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"15 save": func(d *desk) {
			if s := d.saved(); s.Key() == "" || !d.exists(s.Key()) {
				d.Errorf("no record under %q", s.Key())
			}
		},
		"16 delete":                             (*desk).lifeDelete,
		"17 flush 7.4.1":                        (*desk).lifeFlush,
		"18 cycle key 7.2.4":                    func(d *desk) { d.lifeCycle(d.saved()) },
		"19 cycle key of a session opened anew": func(d *desk) { d.lifeCycle(d.open(d.saved().Key())) },
		"20 saved data is readable": func(d *desk) {
			if v, _ := d.open(d.saved().Key()).Get("x"); !pyvalue.Equal(v, pyvalue.NewInt(1)) {
				d.Errorf("x = %v, want 1", v)
			}
		},
		"21 a key of one character":        func(d *desk) { d.notAdopted("1") },
		"22 an empty key":                  func(d *desk) { d.notAdopted("") },
		"23 a key of 7 characters":         func(d *desk) { d.notAdopted("1234567") },
		"24 a key of 8 characters":         (*desk).lifeShortKey,
		"26, 64 an unknown key":            func(d *desk) { d.notAdopted("unknown0000000000000000000000000") },
		"27 save after a delete elsewhere": (*desk).lifeGone,
		"76 a session without data stays":  (*desk).lifeEmptied,
		"update keeps the key":             (*desk).lifeUpdate,
	})
}

func (d *desk) lifeDelete() {
	s := d.saved()
	if err := d.store.Delete(d.Context(), s.Key()); err != nil {
		d.Fatal(err)
	}
	if d.exists(s.Key()) {
		d.Error("still there")
	}
	if err := d.store.Delete(d.Context(), s.Key()); err != nil {
		d.Errorf("second delete: %v, want none", err)
	}
}

func (d *desk) lifeFlush() {
	s := d.open(d.saved().Key())
	old := s.Key()
	if err := s.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
	if d.exists(old) || s.Key() != "" || !s.Empty() {
		d.Errorf("record left: %v, key %q", d.exists(old), s.Key())
	}
	d.state(s, true, true)
}

func (d *desk) lifeCycle(s *sessionstore.Session) {
	d.Helper()
	old := s.Key()
	d.clock.advance(1e9) // signed cookies have a date in the key
	if err := s.CycleKey(d.Context()); err != nil {
		d.Fatal(err)
	}
	if s.Key() == old || d.exists(old) {
		d.Errorf("old key %q, new key %q, old record left: %v", old, s.Key(), d.exists(old))
	}
	if v, _ := d.open(s.Key()).Get("x"); !pyvalue.Equal(v, pyvalue.NewInt(1)) {
		d.Errorf("x = %v, want 1", v)
	}
}

// notAdopted checks that a client's key opens nothing, makes nothing, and is not the key of what is then saved.
func (d *desk) notAdopted(key string) {
	d.Helper()
	s := d.open(key)
	if s.Key() != "" || !s.Empty() {
		d.Errorf("key %q opened key %q", key, s.Key())
	}
	d.save(s)
	if key != "" && d.exists(key) {
		d.Errorf("a record came to be under %q", key)
	}
	d.set(s, "x", 1)
	d.save(s)
	if s.Key() == key || !d.exists(s.Key()) {
		d.Errorf("key %q was adopted as %q", key, s.Key())
	}
}

func (d *desk) lifeShortKey() {
	if d.traits.KeyIsData {
		return
	}
	d.create("12345678", d.record("x", 1))
	if s := d.open("12345678"); s.Key() != "12345678" {
		d.Errorf("key %q, want 12345678", s.Key())
	}
}

func (d *desk) lifeGone() {
	s1 := d.open(d.saved().Key())
	s2 := d.open(s1.Key())
	if err := s2.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
	d.set(s1, "test_data", "value2")
	if err := s1.Save(d.Context()); !errors.Is(err, sessionstore.ErrGone) {
		d.Errorf("save = %v, want ErrGone", err)
	}
	if d.exists(s1.Key()) || !d.open(s1.Key()).Empty() {
		d.Error("the session came back to life")
	}
	if err := s1.CycleLiveKey(d.Context()); !errors.Is(err, sessionstore.ErrGone) || d.exists(s1.Key()) {
		d.Errorf("cycle live key = %v, want ErrGone", err)
	}
}

func (d *desk) lifeEmptied() {
	s := d.open(d.saved().Key())
	s.Delete("x")
	d.save(s)
	if again := d.open(s.Key()); again.Key() == "" || again.Empty() || len(names(again.All())) > 0 {
		d.Errorf("key %q, data %q; want the key and no data", again.Key(), names(again.All()))
	}
}

func (d *desk) lifeUpdate() {
	s := d.open(d.saved().Key())
	old := s.Key()
	d.set(s, "y", 2)
	d.save(s)
	if (s.Key() == old) == d.traits.KeyIsData {
		d.Errorf("key %q became %q", old, s.Key())
	}
	if got := names(d.open(s.Key()).All()); len(got) != 2 {
		d.Errorf("data %q, want x and y", got)
	}
}
