package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// changes: what several write to one session at the same moment is all there afterwards, also from several processes (J2).
func (h Harness) changes(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"change":                              (*desk).change,
		"change that changes nothing":         (*desk).changeNothing,
		"change that refuses":                 (*desk).changeRefused,
		"change of a session that is gone":    (*desk).changeGone,
		"F12 J2 parallel changes":             (*desk).parallelChanges,
		"F12 J2 parallel merges":              (*desk).parallelMerges,
		"F10 J1 logout against change":        (*desk).logoutAgainstChange,
		"change after a save of another kind": (*desk).changeAfterSave,
	})
}

// changes says whether the store is a Changer; one whose key is the data cannot be.
func (d *desk) changes() bool {
	d.Helper()
	_, can := d.store.(sessionstore.Changer)
	if can == d.traits.KeyIsData {
		d.Errorf("the store is a Changer: %v, its key is its data: %v", can, d.traits.KeyIsData)
	}
	return can
}

func setTo(name string, value any) func(*sessionstore.Session) error {
	return func(s *sessionstore.Session) error { return s.Set(name, value) }
}

func (d *desk) change() {
	if !d.changes() {
		return
	}
	key := d.saved().Key()
	s, err := d.sessions.Change(d.Context(), key, func(s *sessionstore.Session) error {
		s.SetExpiry(sessionstore.Inactive(3600e9))
		return s.Set("y", "ü")
	})
	if err != nil {
		d.Fatal(err)
	}
	if s.Key() != key || s.Modified() {
		d.Errorf("after the change: key %q, modified %v", s.Key(), s.Modified())
	}
	again := d.open(key)
	x, _ := again.Get("x")
	y, _ := again.GetString("y")
	if !pyvalue.Equal(x, pyvalue.NewInt(1)) || y != "ü" || again.Age() != 3600e9 {
		d.Errorf("x %v, y %q, age %v", x, y, again.Age())
	}
	if !d.traits.NoExpiry && again.Ends().Sub(d.clock.now()).Round(1e9) != 3600e9 {
		d.Errorf("the record ends %v", again.Ends())
	}
}

func (d *desk) changeNothing() {
	if !d.changes() {
		return
	}
	key := d.saved().Key()
	before := d.open(key).Ends()
	d.clock.advance(10e9)
	s, err := d.sessions.Change(d.Context(), key, func(s *sessionstore.Session) error { s.Get("x"); return nil })
	if err != nil || s.Key() != key || !d.open(key).Ends().Equal(before) {
		d.Errorf("change = %v; the record ends %v, want %v", err, d.open(key).Ends(), before)
	}
}

func (d *desk) changeRefused() {
	if !d.changes() {
		return
	}
	key := d.saved().Key()
	refusal := errors.New("precondition failed")
	_, err := d.sessions.Change(d.Context(), key, func(s *sessionstore.Session) error {
		d.set(s, "x", 2)
		return refusal
	})
	if err != refusal { //nolint:errorlint // as it is
		d.Errorf("change = %v, want the refusal", err)
	}
	if x, _ := d.open(key).Get("x"); !pyvalue.Equal(x, pyvalue.NewInt(1)) {
		d.Errorf("x = %v after a refused change", x)
	}
}

func (d *desk) changeGone() {
	if !d.changes() {
		return
	}
	deleted := d.saved()
	if err := deleted.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
	for name, key := range map[string]string{"unknown": keyA, "hostile": "../../../etc/passwd", "empty": "", "upper case": "ABCDEFGHIJ"} {
		_, err := d.sessions.Change(d.Context(), key, setTo("x", 1))
		if !errors.Is(err, sessionstore.ErrGone) {
			d.Errorf("%s: change = %v, want ErrGone", name, err)
		}
		err = d.store.(sessionstore.Changer).Change(d.Context(), key, func(r sessionstore.Record) *sessionstore.Record { return &r })
		if !errors.Is(err, sessionstore.ErrGone) {
			d.Errorf("%s: change of the store = %v, want ErrGone", name, err)
		}
		if key != "" && d.exists(key) {
			d.Errorf("%s: there is a record now", name)
		}
	}
}

const (
	parallelWriters = 8
	writesOfEach    = 8
)

// parallel runs writers on two processes, each of which adds names of its own, and checks that all are there.
func (d *desk) parallel(write func(sessions *sessionstore.Sessions, key, name string) error) {
	d.Helper()
	all := []*sessionstore.Sessions{d.sessions, sessionstore.New(d.Open(), defaults, d.clock.now)}
	key := d.saved().Key()
	var writers []func()
	for w := range parallelWriters {
		writers = append(writers, func() {
			for i := range writesOfEach {
				if err := write(all[w%2], key, fmt.Sprintf("w%d.%d", w, i)); err != nil {
					d.Errorf("writer %d: %v", w, err)
				}
			}
		})
	}
	atOnce(writers...)
	s := d.open(key)
	for w := range parallelWriters {
		for i := range writesOfEach {
			if _, there := s.Get(fmt.Sprintf("w%d.%d", w, i)); !there {
				d.Errorf("w%d.%d was acknowledged and is lost", w, i)
			}
		}
	}
}

func (d *desk) parallelChanges() {
	if d.changes() {
		d.parallel(func(sessions *sessionstore.Sessions, key, name string) error {
			_, err := sessions.Change(d.Context(), key, setTo(name, 1))
			return err
		})
	}
}

func (d *desk) parallelMerges() {
	if d.changes() {
		d.parallel(func(sessions *sessionstore.Sessions, key, name string) error {
			s, err := sessions.Open(d.Context(), key)
			if err != nil {
				return err
			}
			if err := s.Set(name, 1); err != nil {
				return err
			}
			return s.Merge(d.Context())
		})
	}
}

func (d *desk) logoutAgainstChange() {
	if !d.changes() {
		return
	}
	other := d.Open()
	for range rounds() / 4 {
		key := d.create(sessionstore.NewKey(), d.record("x", 1))
		var changeErr, logoutErr error
		atOnce(
			func() { _, changeErr = d.sessions.Change(d.Context(), key, setTo("x", 2)) },
			func() { logoutErr = other.Delete(d.Context(), key) },
		)
		if logoutErr != nil || changeErr != nil && !errors.Is(changeErr, sessionstore.ErrGone) {
			d.Fatalf("change = %v, logout = %v", changeErr, logoutErr)
		}
		if d.exists(key) {
			d.Fatal("a session lived after its logout")
		}
	}
}

// changeAfterSave: a save that takes no part in changes comes in the middle of one; its names stay.
func (d *desk) changeAfterSave() {
	if !d.changes() {
		return
	}
	key, other := d.saved().Key(), d.Open()
	calls := 0
	_, err := d.sessions.Change(d.Context(), key, func(s *sessionstore.Session) error {
		if calls++; calls == 1 {
			if _, err := other.Update(context.WithoutCancel(d.Context()), key, d.record("x", 1, "blind", 1)); err != nil {
				return err
			}
		}
		return s.Set("y", 2)
	})
	if err != nil {
		d.Fatal(err)
	}
	s := d.open(key)
	if _, there := s.Get("blind"); !there {
		d.Errorf("the save that came between is lost, after %d calls", calls)
	}
	if _, there := s.Get("y"); !there {
		d.Error("the change is lost")
	}
}
