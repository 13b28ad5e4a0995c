package storetest

import (
	"errors"
	"testing"
	"time"

	"coatcheck/sessionstore"
)

// expiry holds lines 28 to 36.
func (h Harness) expiry(t *testing.T) {
	h.each(t, map[string]func(*desk){
		"28 default age":          func(d *desk) { d.ages(sessionstore.DefaultExpiry(), defaults.CookieAge) },
		"29 age at browser close": func(d *desk) { d.ages(sessionstore.AtBrowserClose(), defaults.CookieAge) },
		"30 seconds":              func(d *desk) { d.ages(sessionstore.Inactive(10*time.Second), 10*time.Second) },
		"31 time span":            func(d *desk) { d.ages(sessionstore.After(10*time.Second), 10*time.Second) },
		"32 point in time": func(d *desk) {
			d.ages(sessionstore.At(d.clock.now().Add(10*time.Second)), 10*time.Second)
		},
		"33 back to the default": func(d *desk) {
			s := d.open("")
			for _, e := range []sessionstore.Expiry{sessionstore.DefaultExpiry(), sessionstore.Inactive(10 * time.Second), sessionstore.DefaultExpiry()} {
				s.SetExpiry(e)
			}
			if got := s.Age(); got != defaults.CookieAge {
				d.Errorf("age %s, want %s", got, defaults.CookieAge)
			}
		},
		"34 browser close, setting off": func(d *desk) { d.closes(false) },
		"35 browser close, setting on":  func(d *desk) { d.closes(true) },
		"36, 62 a session saved after its end": func(d *desk) {
			s := d.open("")
			d.set(s, "foo", "bar")
			s.SetExpiry(sessionstore.Inactive(-10 * time.Second))
			d.save(s)
			// Django's signed cookies live their cookie age, whatever the data says.
			if _, ok := d.open(s.Key()).Get("foo"); ok != d.traits.KeyIsData {
				d.Errorf("visible: %v, want %v", ok, d.traits.KeyIsData)
			}
		},
		"an expired record is invisible": (*desk).expiresInTime,
	})
}

// ages checks age and date of a session with e, now and after a save.
func (d *desk) ages(e sessionstore.Expiry, want time.Duration) {
	d.Helper()
	s := d.open("")
	d.set(s, "x", 1)
	s.SetExpiry(e)
	for range 2 {
		if got := s.Age(); got != want {
			d.Errorf("age %s, want %s", got, want)
		}
		if got, want := s.Expires(), d.clock.now().Add(want); !got.Equal(want) {
			d.Errorf("expires %s, want %s", got, want)
		}
		d.save(s)
		s = d.open(s.Key())
	}
	if d.traits.KeyIsData {
		want = defaults.CookieAge // whatever the data says
	}
	if got, want := s.Ends(), d.clock.now().Add(want); !d.traits.NoExpiry && got.Sub(want).Abs() > 2*time.Second {
		d.Errorf("the store says it ends %s, want %s", got, want)
	}
}

func (d *desk) closes(setting bool) {
	settings := defaults
	settings.ExpireAtBrowserClose = setting
	s, err := sessionstore.New(d.store, settings, d.clock.now).Open(d.Context(), "")
	if err != nil {
		d.Fatal(err)
	}
	for i, test := range []struct {
		expiry sessionstore.Expiry
		want   bool
	}{
		{sessionstore.Inactive(10 * time.Second), false},
		{sessionstore.AtBrowserClose(), true},
		{sessionstore.DefaultExpiry(), setting},
	} {
		s.SetExpiry(test.expiry)
		if got := s.BrowserClose(); got != test.want {
			d.Errorf("case %d: browser close %v, want %v", i, got, test.want)
		}
	}
}

// expiresInTime lets the end of a session pass.
func (d *desk) expiresInTime() {
	s := d.open("")
	d.set(s, "x", 1)
	if !d.traits.KeyIsData {
		s.SetExpiry(sessionstore.Inactive(time.Second))
	}
	d.save(s)
	if d.open(s.Key()).Empty() {
		d.Fatal("gone at once")
	}
	d.clock.advance(s.Age() + time.Second)
	d.until(func() bool { return !d.exists(s.Key()) })
	if again := d.open(s.Key()); again.Key() != "" {
		d.Errorf("key %q opens an expired session", again.Key())
	}
}

// until waits for a server's own clock; with ours, done holds at once.
func (d *desk) until(done func() bool) {
	d.Helper()
	for range 100 {
		if done() {
			return
		}
		if !d.traits.ServerClock {
			break
		}
		time.Sleep(50 * time.Millisecond)
		d.clock.advance(50 * time.Millisecond) // what is kept in front of the server goes by ours
	}
	d.Error("the record is still visible")
}

// answered reports whether err is one of the answers of a store that are not faults.
func answered(err error) bool {
	return err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrExists) || errors.Is(err, sessionstore.ErrGone)
}
