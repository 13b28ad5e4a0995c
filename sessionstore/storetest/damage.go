package storetest

import (
	"bytes"
	"errors"
	"testing"

	"coatcheck/sessionstore"
)

// damage holds lines 38 and 39: a record that cannot be trusted is no session, and no fault either (F21).
func (h Harness) damage(t *testing.T) {
	garbage := map[string][]byte{
		"38 words":     []byte("bad:encoded:value"),
		"38 not UTF-8": []byte("flaskdj:alkdjf\xff"),
		"colons":       []byte("::"),
		"JSON":         []byte(`{"x":1}`),
		"long":         bytes.Repeat([]byte("A"), 100000),
	}
	for name, raw := range h.Garbage {
		garbage[name] = raw
	}
	for name, raw := range garbage {
		t.Run(name+" F21", func(t *testing.T) {
			d := h.desk(t)
			if d.Damage == nil {
				t.Skip("the records of this store cannot be damaged from outside")
			}
			d.damaged(raw)
		})
	}
	if h.KeyIsData {
		t.Run("altered keys", func(t *testing.T) { h.desk(t).altered() })
	}
}

func (d *desk) damaged(raw []byte) {
	d.create(keyA, d.record("x", 1))
	d.Damage(keyA, raw)
	d.Settle()
	_, err := d.store.Load(d.Context(), keyA)
	var refused *sessionstore.RefusedError
	if !errors.As(err, &refused) || !errors.Is(err, sessionstore.ErrNotFound) {
		d.Fatalf("load = %v, want a *RefusedError", err)
	}
	if bytes.Contains([]byte(err.Error()), raw) && len(raw) > 2 {
		d.Errorf("the error quotes the record: %v", err)
	}
	s := d.open(keyA)
	if s.Key() != "" || !s.Empty() || s.Refused() == nil {
		d.Errorf("key %q, refused %v; want an empty session that says why", s.Key(), s.Refused())
	}
	// The record is left where it is: the key is still taken.
	if _, err := d.store.Create(d.Context(), keyA, d.record("x", 2)); !errors.Is(err, sessionstore.ErrExists) {
		d.Errorf("create over it = %v, want ErrExists", err)
	}
	if err := d.store.Delete(d.Context(), keyA); err != nil {
		d.Errorf("delete = %v", err)
	}
	d.refuses(keyA)
}

// altered changes each character of a key that is data.
func (d *desk) altered() {
	key := []byte(d.create(keyA, d.record("x", 1)))
	for i := range key {
		changed := bytes.Clone(key)
		if changed[i]++; changed[i] == ';' { // another character, still a cookie's
			changed[i] = 'A'
		}
		if _, err := d.store.Load(d.Context(), string(changed)); !errors.Is(err, sessionstore.ErrNotFound) {
			d.Errorf("character %d changed: load = %v, want ErrNotFound", i, err)
		}
	}
}
