package storetest

import (
	"context"
	"errors"
	"testing"

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
