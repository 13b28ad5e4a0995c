package sessionstore

import (
	"errors"
	"fmt"
	"math"
	"time"

	"coatcheck/internal/pyvalue"
)

// storedExpiry is what the session data says of its expiry.
type storedExpiry struct {
	form     expiryForm // byDefault, byInactivity or byDate
	micros   int64      // byInactivity
	at       time.Time  // byDate
	explicit bool       // there is one, so the settings do not decide about browser close
	zero     bool       // it equals 0 in Python: end with the browser
}

// maxMicros keeps every date of storedExpiry within the years Python's datetime knows, 1 to 9999.
const maxMicros = int64(7900 * 365.25 * 24 * 3600 * 1e6)

var errExpiryRange = errors.New("beyond year 9999")

// storedExpiry reads the session data as get_expiry_age, get_expiry_date and get_expire_at_browser_close of
// contrib/sessions/backends/base.py do. With an error it is the default.
func (s Settings) storedExpiry(data *pyvalue.Dict) (storedExpiry, error) {
	value, ok := data.Get(expiryName)
	if _, none := value.(pyvalue.None); !ok || none {
		return storedExpiry{}, nil
	}
	stored, err := s.readExpiry(value)
	if err != nil {
		return storedExpiry{}, fmt.Errorf("read session expiry (the default is used): %w", err)
	}
	stored.explicit = true
	return stored, nil
}

func (s Settings) readExpiry(value pyvalue.Value) (storedExpiry, error) {
	switch v := value.(type) {
	case pyvalue.Bool: // in Python True is 1
		if v {
			return inactivity(1e6), nil
		}
		return inactivity(0), nil
	case pyvalue.Int:
		seconds, ok := v.Int64()
		if !ok || seconds > maxMicros/1e6 || seconds < -maxMicros/1e6 {
			return storedExpiry{}, errExpiryRange
		}
		return inactivity(seconds * 1e6), nil
	case pyvalue.Float:
		micros := math.RoundToEven(float64(v) * 1e6)
		if math.IsNaN(micros) || math.Abs(micros) > float64(maxMicros) {
			return storedExpiry{}, errExpiryRange
		}
		return inactivity(int64(micros)), nil
	case pyvalue.Str:
		return s.readDate(string(v))
	case *pyvalue.Opaque:
		at, err := pickledDate(v, s.TimeZone)
		return storedExpiry{form: byDate, at: at}, err
	}
	return storedExpiry{}, fmt.Errorf("a %T is no expiry", value)
}

func inactivity(micros int64) storedExpiry {
	if micros == 0 {
		return storedExpiry{zero: true}
	}
	return storedExpiry{form: byInactivity, micros: micros}
}

func (s Settings) readDate(text string) (storedExpiry, error) {
	if text == "" {
		return storedExpiry{}, nil
	}
	at, err := parseISO(text, s.TimeZone)
	return storedExpiry{form: byDate, at: at}, err
}
