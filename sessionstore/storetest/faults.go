package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// faults: a store that could not be asked never says "not there".
func (h Harness) faults(t *testing.T) {
	t.Run("cancelled context F05", func(t *testing.T) {
		d := h.desk(t)
		key := d.create(keyA, d.record("x", 1))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for verb, err := range d.verbs(ctx, key) {
			if !errors.Is(err, context.Canceled) && !(d.traits.KeyIsData && verb != "delete") {
				t.Errorf("%s = %v, want context.Canceled", verb, err)
			}
		}
		d.holds(key, d.record("x", 1)) // the connection is not left dirty
	})
	t.Run("calls given up F05 J4", func(t *testing.T) { h.desk(t).givenUp() })
	t.Run("unreachable F01", func(t *testing.T) {
		d := h.desk(t)
		if d.Break == nil {
			t.Skip("this store can always be reached")
		}
		key := d.create(keyA, d.record("x", 1))
		d.Break()
		for verb, err := range d.verbs(t.Context(), key) {
			if answered(err) {
				t.Errorf("%s = %v, want a fault", verb, err)
			}
		}
		if s, err := d.sessions.Open(t.Context(), key); err == nil {
			t.Errorf("open session = %+v, want a fault", s)
		}
	})
}

// verbs asks the store for everything it does.
func (d *desk) verbs(ctx context.Context, key string) map[string]error {
	errs := map[string]error{}
	_, errs["load"] = d.store.Load(ctx, key)
	_, errs["create"] = d.store.Create(ctx, keyB, d.record("x", 1))
	_, errs["update"] = d.store.Update(ctx, key, d.record("x", 2))
	errs["delete"] = d.store.Delete(ctx, key)
	if !d.traits.ClearsItself && !d.traits.KeyIsData {
		_, errs["clear"] = d.store.ClearExpired(ctx)
	}
	if lister, ok := d.store.(sessionstore.Lister); ok {
		errs["keys"] = lister.Keys(ctx, func(string) bool { return true })
	}
	return errs
}

// givenUp ends calls at any moment: no connection that is left in the middle of an answer gives that answer to the next caller.
func (d *desk) givenUp() {
	keys := make([]string, 8)
	for i := range keys {
		keys[i] = d.create(sessionstore.NewKey(), d.record("owner", i))
	}
	var callers []func()
	for i := range 16 {
		callers = append(callers, func() {
			for n := range 60 {
				owner := (i + n) % len(keys)
				ctx, cancel := context.WithTimeout(d.Context(), time.Duration(n*i)*time.Microsecond)
				rec, err := d.store.Load(ctx, keys[owner])
				cancel()
				if err != nil {
					if answered(err) {
						d.Errorf("load = %v, want a fault or the record", err)
					}
					continue
				}
				if v, _ := rec.Data.Get("owner"); !pyvalue.Equal(v, pyvalue.NewInt(int64(owner))) {
					d.Errorf("asked for %d, got %v", owner, v)
				}
			}
		})
	}
	atOnce(callers...)
	for i, key := range keys {
		d.holds(key, d.record("owner", i))
	}
}
