package storetest

import (
	"errors"
	"sync"
	"testing"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// rounds is how often a race is run: what Django itself loses in most of 300 rounds on its file engine.
func rounds() int {
	if testing.Short() {
		return 100
	}
	return 1000
}

// races: each write is one conditional write, also between processes (15.4.2).
func (h Harness) races(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"many creators, one winner":            (*desk).creators,
		"F10 J1 logout against save":           (*desk).logoutAgainstSave,
		"F10 J1 logout against cycle live key": (*desk).logoutAgainstCycle,
		"many writers, no torn record":         (*desk).writers,
	})
}

// at once runs the functions as simultaneously as can be.
func atOnce(functions ...func()) {
	start := make(chan struct{})
	var group sync.WaitGroup
	for _, f := range functions {
		group.Go(func() { <-start; f() })
	}
	close(start)
	group.Wait()
}

func (d *desk) creators() {
	if d.traits.KeyIsData {
		return
	}
	stores := []sessionstore.Store{d.store, d.Open()}
	for range 20 {
		key := sessionstore.NewKey()
		errs := make([]error, 16)
		var creators []func()
		for i := range errs {
			creators = append(creators, func() { _, errs[i] = stores[i%2].Create(d.Context(), key, d.record("creator", i)) })
		}
		atOnce(creators...)
		winner := -1
		for i, err := range errs {
			if err == nil && winner >= 0 {
				d.Errorf("creators %d and %d both won", winner, i)
			} else if err == nil {
				winner = i
			} else if !errors.Is(err, sessionstore.ErrExists) {
				d.Errorf("creator %d: %v, want ErrExists", i, err)
			}
		}
		if loaded, err := d.store.Load(d.Context(), key); err != nil {
			d.Fatal(err)
		} else if v, _ := loaded.Data.Get("creator"); !pyvalue.Equal(v, pyvalue.NewInt(int64(winner))) {
			d.Errorf("the record is %v's, the winner was %d", v, winner)
		}
	}
}

func (d *desk) logoutAgainstSave() {
	other := d.Open()
	risen := 0
	for range rounds() {
		key := d.create(sessionstore.NewKey(), d.record("x", 1))
		var next string
		var saveErr, logoutErr error
		atOnce(
			func() { next, saveErr = d.store.Update(d.Context(), key, d.record("x", 2)) },
			func() { logoutErr = other.Delete(d.Context(), key) },
		)
		if logoutErr != nil || (saveErr != nil && !errors.Is(saveErr, sessionstore.ErrGone)) {
			d.Fatalf("save = %v, logout = %v", saveErr, logoutErr)
		}
		d.Settle()
		if d.exists(key) || (d.traits.KeyIsData && saveErr == nil && d.exists(next)) {
			risen++
		}
	}
	if risen > 0 {
		d.Errorf("%d of %d sessions lived after their logout", risen, rounds())
	}
}

// logoutAgainstCycle: either the cycle came first, and the logout met a key that was no longer the session's, or it fails.
func (d *desk) logoutAgainstCycle() {
	other := d.Open()
	for range rounds() / 10 {
		s := d.saved()
		old := s.Key()
		var cycleErr, logoutErr error
		atOnce(
			func() { cycleErr = s.CycleLiveKey(d.Context()) },
			func() { logoutErr = other.Delete(d.Context(), old) },
		)
		if logoutErr != nil || (cycleErr != nil && !errors.Is(cycleErr, sessionstore.ErrGone)) {
			d.Fatalf("cycle = %v, logout = %v", cycleErr, logoutErr)
		}
		d.Settle()
		if d.exists(old) || d.exists(s.Key()) != (cycleErr == nil) {
			d.Errorf("cycle = %v: old record %v, new record %v", cycleErr, d.exists(old), d.exists(s.Key()))
		}
	}
}

func (d *desk) writers() {
	if d.traits.KeyIsData {
		return
	}
	stores := []sessionstore.Store{d.store, d.Open()}
	d.create(keyA, d.record("writer", 0, "again", 0))
	var all []func()
	for i := range 8 {
		all = append(all, func() {
			for range 10 {
				if _, err := stores[i%2].Update(d.Context(), keyA, d.record("writer", i, "again", i)); err != nil {
					d.Errorf("update: %v", err)
				}
				rec, err := stores[i%2].Load(d.Context(), keyA)
				if err != nil {
					d.Errorf("load: %v", err)
					continue
				}
				a, _ := rec.Data.Get("writer")
				if b, _ := rec.Data.Get("again"); !pyvalue.Equal(a, b) {
					d.Errorf("torn record: %v, %v", a, b)
				}
			}
		})
	}
	atOnce(all...)
}
