package sessionstore

import (
	"math"
	"time"

	"coatcheck/internal/pyvalue"
)

// expiryName is where Django keeps a session's own expiry, in the session data.
const expiryName = "_session_expiry"

// Expiry says when a session ends, as Django's set_expiry takes it. The zero Expiry is the default of the settings.
type Expiry struct {
	form expiryForm
	span time.Duration
	at   time.Time
}

type expiryForm int

const (
	byDefault expiryForm = iota
	byInactivity
	bySpan
	byDate
)

// DefaultExpiry is Settings.CookieAge and Settings.ExpireAtBrowserClose (set_expiry(None)).
func DefaultExpiry() Expiry { return Expiry{} }

// AtBrowserClose makes the cookie end with the browser; the record lives Settings.CookieAge (set_expiry(0)).
func AtBrowserClose() Expiry { return Inactive(0) }

// Inactive ends the session d after each save (set_expiry(n)): kept in seconds, so the form to choose when a Django 3.2 shares the
// store. Zero is AtBrowserClose.
func Inactive(d time.Duration) Expiry { return Expiry{form: byInactivity, span: d} }

// At ends the session at t, to the microsecond, kept with t's offset (set_expiry(datetime)). Django 3.2 cannot save such a session.
func At(t time.Time) Expiry { return Expiry{form: byDate, at: t} }

// After ends the session d from now, whatever is saved later (set_expiry(timedelta)). Django 3.2 cannot save such a session.
func After(d time.Duration) Expiry { return Expiry{form: bySpan, span: d} }

// SetExpiry keeps e in the session data (Django's set_expiry).
func (s *Session) SetExpiry(e Expiry) {
	if e.form == byDefault {
		s.Delete(expiryName)
		return
	}
	s.data().Set(expiryName, s.expiryValue(e))
	s.note(expiryName)
}

func (s *Session) expiryValue(e Expiry) pyvalue.Value {
	switch e.form {
	case bySpan:
		e.at = s.sessions.instant().Add(e.span)
		fallthrough
	case byDate:
		return pyvalue.Str(formatISO(e.at, s.sessions.settings.TimeZone))
	}
	if e.span%time.Second != 0 {
		return pyvalue.Float(e.span.Seconds())
	}
	return pyvalue.NewInt(int64(e.span / time.Second))
}

// Age returns how long the cookie would live if the session were saved now (get_expiry_age): what a Set-Cookie's Max-Age says, cut to
// seconds. It is negative when the session's end has passed, and at most 292 years.
func (s *Session) Age() time.Duration {
	stored, _ := s.stored()
	switch stored.form {
	case byInactivity:
		return scaled(stored.micros)
	case byDate:
		seconds := floorDiv(stored.at.UnixMicro()-s.sessions.instant().UnixMicro(), 1e6)
		return scaled(seconds * 1e6)
	}
	return s.sessions.settings.CookieAge
}

// Expires returns when the record would end if the session were saved now (get_expiry_date), in UTC to the microsecond.
func (s *Session) Expires() time.Time {
	return s.sessions.settings.Ends(s.data(), s.sessions.instant())
}

// Ends returns when a record with this data ends that was last written at modified: for stores that keep no date of their
// own. An unreadable expiry in the data counts as the default.
func (s Settings) Ends(data *pyvalue.Dict, modified time.Time) time.Time {
	stored, _ := s.storedExpiry(data)
	switch stored.form {
	case byInactivity:
		return time.UnixMicro(modified.UnixMicro() + stored.micros).UTC()
	case byDate:
		return stored.at.UTC()
	}
	return modified.Add(s.CookieAge).UTC()
}

// Ends returns when the record ends as it is in the store; the zero time when the store cannot tell, or there is no record.
func (s *Session) Ends() time.Time { return s.ends }

// BrowserClose reports whether the cookie ends with the browser (get_expire_at_browser_close).
func (s *Session) BrowserClose() bool {
	stored, _ := s.stored()
	if stored.explicit {
		return stored.zero
	}
	return s.sessions.settings.ExpireAtBrowserClose
}

func (s *Session) stored() (storedExpiry, error) { return s.sessions.settings.storedExpiry(s.data()) }

// ExpiryError tells, for the log, that the expiry in the session data cannot be read, where Django would answer 500; the default
// is used instead. It is nil for a good one.
func (s *Session) ExpiryError() error {
	_, err := s.stored()
	return err
}

// scaled turns microseconds into a Duration, held within its range.
func scaled(micros int64) time.Duration {
	const limit = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(min(max(micros, -limit), limit)) * time.Microsecond
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
