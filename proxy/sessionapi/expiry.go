package sessionapi

import (
	"encoding/json"
	"net/http"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// maxLife is the longest expiry that can be set; a typing error should not make a session for centuries.
const maxLife = 10 * 365 * 24 * time.Hour

// expiryName is where Django keeps a session's own expiry (contrib/sessions/backends/base.py set_expiry).
const expiryName = "_session_expiry"

// expiry is how the end of a session is shown.
type expiry struct {
	Expires      time.Time `json:"expires"`       // when the session ends, unless it is written again
	Age          int64     `json:"age"`           // seconds that it would live if it were written now (get_expiry_age)
	BrowserClose bool      `json:"browser_close"` // the browser forgets the cookie when it is closed
}

func expiryOf(s *sessionstore.Session) []byte {
	ends := s.Ends()
	if ends.IsZero() { // no record yet, or a cache, which keeps no date
		ends = s.Expires()
	}
	text, err := json.Marshal(expiry{ends.UTC().Truncate(time.Second), int64(s.Age() / time.Second), s.BrowserClose()})
	if err != nil {
		return []byte("null") // cannot happen: expiries are within the years that JSON dates have
	}
	return text
}

// expiryTag changes when the expiry is set to another.
func expiryTag(s *sessionstore.Session) string {
	v, there := s.Get(expiryName)
	if !there {
		v = pyvalue.None{}
	}
	text, err := jsonOf(v)
	if err != nil {
		text = []byte("unreadable")
	}
	return tagOf(text)
}

func (c *call) getExpiry() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, expiryTag(s), expiryOf(s))
}

// putExpiry takes what Django's set_expiry takes. The browser gets the cookie anew with the application's answer.
func (c *call) putExpiry() error {
	value, err := c.readValue()
	if err != nil {
		return err
	}
	e, ok := expiryFrom(value, c.o.Now())
	if !ok {
		return refuse(http.StatusBadRequest, "Give whole seconds, 0 (with the browser), a date in the future such as \"2030-01-02T03:04:05Z\", or null (the default); ten years at most.")
	}
	var after *sessionstore.Session
	err = c.change(func(s *sessionstore.Session) error {
		if err := c.checkTags(expiryTag(s)); err != nil {
			return err
		}
		s.SetExpiry(e)
		after = s
		return nil
	})
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, expiryTag(after), expiryOf(after))
}

func expiryFrom(value pyvalue.Value, now time.Time) (sessionstore.Expiry, bool) {
	switch v := value.(type) {
	case pyvalue.None:
		return sessionstore.DefaultExpiry(), true
	case pyvalue.Int:
		n, fits := v.Int64()
		return sessionstore.Inactive(time.Duration(n) * time.Second), fits && n >= 0 && n <= int64(maxLife/time.Second)
	case pyvalue.Str:
		at, err := time.Parse(time.RFC3339, string(v))
		return sessionstore.At(at), err == nil && at.After(now) && at.Before(now.Add(maxLife))
	}
	return sessionstore.Expiry{}, false
}
