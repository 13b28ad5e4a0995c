package sessionstore_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

// vectorSets are the folders of testdata/vectors, one for each version of Django.
var vectorSets = []string{".", "django-3.2", "django-6.1"}

func readVectors(t *testing.T, set, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "testdata", "vectors", set, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatal(err)
	}
}

func fixed(t time.Time) func() time.Time { return func() time.Time { return t } }

func emptySession(t *testing.T, settings sessionstore.Settings, now time.Time) *sessionstore.Session {
	t.Helper()
	session, err := sessionstore.New(storetest.NewMemory(fixed(now)), settings, fixed(now)).Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return session
}

type expiryRow struct {
	CookieAge    int64           `json:"session_cookie_age"`
	BrowserClose bool            `json:"expire_at_browser_close_setting"`
	SetExpiry    string          `json:"set_expiry"`
	Now          int64           `json:"now"`
	Stored       json.RawMessage `json:"stored__session_expiry"`
	Age          json.RawMessage `json:"get_expiry_age"`
	GotClose     json.RawMessage `json:"get_expire_at_browser_close"`
	Date         string          `json:"get_expiry_date"`
	SQLite       *string         `json:"sqlite_expire_date_text"`
	Loads        *bool           `json:"load_right_after"`
}

// expiryOf is what the vectors' maker calls the arguments of set_expiry.
func expiryOf(t *testing.T, label string, now time.Time) sessionstore.Expiry {
	t.Helper()
	switch label {
	case "unset", "None":
		return sessionstore.DefaultExpiry()
	case "False", "0":
		return sessionstore.AtBrowserClose()
	case "timedelta 10s":
		return sessionstore.After(10 * time.Second)
	case "timedelta -10s":
		return sessionstore.After(-10 * time.Second)
	case "timedelta 1d 0.5s":
		return sessionstore.After(24*time.Hour + 500*time.Millisecond)
	case "datetime utc now+10s":
		return sessionstore.At(now.UTC().Add(10 * time.Second))
	case "datetime utc now+10.999999s":
		return sessionstore.At(now.UTC().Add(10999999 * time.Microsecond))
	case "datetime +05:30":
		return sessionstore.At(now.Add(time.Hour).In(time.FixedZone("", 5*3600+1800)))
	case "datetime past":
		return sessionstore.At(now.UTC().Add(-24 * time.Hour))
	}
	seconds, err := time.ParseDuration(label + "s")
	if err != nil {
		t.Fatalf("unknown case %q", label)
	}
	return sessionstore.Inactive(seconds)
}

func TestExpiryVectors(t *testing.T) {
	for _, set := range vectorSets {
		var vectors struct{ Table []expiryRow }
		readVectors(t, set, "expiry.json", &vectors)
		for _, row := range vectors.Table {
			name := fmt.Sprintf("%s/age %d close %v/%s", set, row.CookieAge, row.BrowserClose, row.SetExpiry)
			t.Run(name, func(t *testing.T) { checkExpiryRow(t, set, row) })
		}
	}
}

func checkExpiryRow(t *testing.T, set string, row expiryRow) {
	if strings.Contains(row.SetExpiry, "naive") {
		t.Skip("we have no dates without zone; TestStoredExpiry reads one")
	}
	now := time.Unix(row.Now, 0)
	settings := sessionstore.Settings{CookieAge: time.Duration(row.CookieAge) * time.Second, ExpireAtBrowserClose: row.BrowserClose}
	session := emptySession(t, settings, now)
	session.SetExpiry(expiryOf(t, row.SetExpiry, now))
	if want := string(row.Stored); set != "django-3.2" && want != "false" { // 3.2 keeps no strings; set_expiry(False) is our 0
		if got := storedJSON(session); got != want {
			t.Errorf("stored %s, want %s", got, want)
		}
	}
	if want := string(row.Age); !strings.Contains(want, "raises") {
		if got := fmt.Sprintf("%v", session.Age().Seconds()); got != jsonNumber(want) {
			t.Errorf("age %s, want %s", got, want)
		}
	}
	if got := fmt.Sprint(session.BrowserClose()); got != string(row.GotClose) {
		t.Errorf("browser close %s, want %s", got, row.GotClose)
	}
	if want, err := time.Parse(time.RFC3339Nano, row.Date); err == nil && !session.Expires().Equal(want) {
		t.Errorf("expires %s, want %s", session.Expires(), want)
	}
	if err := session.ExpiryError(); err != nil {
		t.Errorf("expiry error: %v", err)
	}
}

func jsonNumber(text string) string {
	var f float64
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return text
	}
	return fmt.Sprintf("%v", f)
}

func storedJSON(session *sessionstore.Session) string {
	v, ok := session.Get("_session_expiry")
	if !ok {
		return "null"
	}
	switch v := v.(type) {
	case pyvalue.Int:
		return v.String()
	case pyvalue.Float:
		return fmt.Sprint(float64(v))
	case pyvalue.Str:
		return `"` + string(v) + `"`
	}
	return fmt.Sprintf("%T", v)
}

func TestExpiryVectorsWithModification(t *testing.T) {
	var vectors struct {
		Rows []struct {
			Stored       any             `json:"stored__session_expiry"`
			Modification time.Time       `json:"modification"`
			Age          json.RawMessage `json:"get_expiry_age"`
			Date         string          `json:"get_expiry_date"`
		} `json:"with_modification"`
	}
	readVectors(t, ".", "expiry.json", &vectors)
	for _, row := range vectors.Rows {
		t.Run(fmt.Sprint(row.Stored, " at ", row.Modification.Format("15:04:05")), func(t *testing.T) {
			session := emptySession(t, sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, row.Modification)
			if seconds, ok := row.Stored.(float64); ok {
				row.Stored = int(seconds)
			}
			if row.Stored != nil {
				set(t, session, "_session_expiry", row.Stored)
			}
			if want := string(row.Age); strings.Contains(want, "ValueError") != (session.ExpiryError() != nil) {
				t.Errorf("expiry error %v, Django %s", session.ExpiryError(), want)
			} else if got := jsonNumber(want); !strings.Contains(want, "raises") && got != fmt.Sprint(session.Age().Seconds()) {
				t.Errorf("age %s, want %s", session.Age(), want)
			}
			if want, err := time.Parse(time.RFC3339, row.Date); err == nil && !session.Expires().Equal(want) {
				t.Errorf("expires %s, want %s", session.Expires(), want)
			}
		})
	}
}

func set(t *testing.T, session *sessionstore.Session, name string, value any) {
	t.Helper()
	if err := session.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func datetime(b string, zone ...pyvalue.Value) *pyvalue.Opaque {
	return &pyvalue.Opaque{Module: "datetime", Name: "datetime", Args: append(pyvalue.Tuple{pyvalue.Bytes(b)}, zone...)}
}

func timezone(days, seconds int64) *pyvalue.Opaque {
	delta := pyvalue.Tuple{pyvalue.NewInt(days), pyvalue.NewInt(seconds), pyvalue.NewInt(0)}
	return &pyvalue.Opaque{Module: "datetime", Name: "timezone", Args: pyvalue.Tuple{
		&pyvalue.Opaque{Module: "datetime", Name: "timedelta", Args: delta}}}
}

// What no set_expiry writes, but a session may hold.
func TestStoredExpiry(t *testing.T) {
	const age = time.Hour
	huge := new(big.Int).Lsh(big.NewInt(1), 80)
	tests := map[string]struct {
		stored  any
		age     time.Duration
		close   bool
		unread  bool
		expires time.Time
	}{
		"none":                  {stored: nil, age: age, close: true},
		"true is one second":    {stored: true, age: time.Second},
		"false":                 {stored: false, age: age, close: true},
		"zero float":            {stored: 0.0, age: age, close: true},
		"negative float":        {stored: -1.5, age: -1500 * time.Millisecond},
		"empty string":          {stored: "", age: age},
		"no date":               {stored: "tomorrow", age: age, unread: true},
		"date only":             {stored: "2026-03-02", age: 12 * time.Hour},
		"date without zone":     {stored: "2026-03-01T13:00:00", age: time.Hour},
		"past by half a second": {stored: "2026-03-01T11:59:59.5+00:00", age: -time.Second},
		"nan":                   {stored: math.NaN(), age: age, unread: true},
		"infinity":              {stored: math.Inf(1), age: age, unread: true},
		"huge float":            {stored: 1e300, age: age, unread: true},
		"huge int":              {stored: huge, age: age, unread: true},
		"int beyond year 9999":  {stored: int64(math.MaxInt64), age: age, unread: true},
		"317 years": {stored: int64(1e10), age: math.MaxInt64 / 1000 * 1000,
			expires: noon.Add(1e9 * time.Second).Add(9e9 * time.Second)},
		"list":          {stored: []any{1}, age: age, unread: true},
		"bytes":         {stored: []byte("2026-03-02"), age: age, unread: true},
		"year 0":        {stored: "0001-01-01T00:00:00+14:00", age: age, unread: true},
		"pickled naive": {stored: datetime("\x07\xea\x03\x01\x0d\x00\x00\x00\x00\x00"), age: time.Hour},
		"pickled utc":   {stored: datetime("\x07\xea\x03\x01\x0d\x00\x00\x07\xa1\x20", timezone(0, 0)), age: time.Hour},
		"pickled -05":   {stored: datetime("\x07\xea\x83\x01\x0d\x00\x00\x00\x00\x00", timezone(-1, 68400)), age: 6 * time.Hour},
		"pickled short": {stored: datetime("\x07\xea"), age: age, unread: true},
		"pickled zone":  {stored: datetime("\x07\xea\x03\x01\x0d\x00\x00\x00\x00\x00", pyvalue.Str("UTC")), age: age, unread: true},
		"pickled uuid":  {stored: &pyvalue.Opaque{Module: "uuid", Name: "UUID"}, age: age, unread: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			session := emptySession(t, sessionstore.Settings{CookieAge: age, ExpireAtBrowserClose: test.close}, noon)
			set(t, session, "_session_expiry", test.stored)
			if got := session.Age(); got != test.age {
				t.Errorf("age %s, want %s", got, test.age)
			}
			if got := session.BrowserClose(); got != test.close && !test.unread {
				t.Errorf("browser close %v, want %v", got, test.close)
			}
			if got := session.ExpiryError(); (got != nil) != test.unread {
				t.Errorf("expiry error %v, want one: %v", got, test.unread)
			}
			if !test.expires.IsZero() && !session.Expires().Equal(test.expires) {
				t.Errorf("expires %s, want %s", session.Expires(), test.expires)
			}
		})
	}
}

func TestExpiryWithoutUseTZ(t *testing.T) {
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	session := emptySession(t, sessionstore.Settings{TimeZone: chicago}, noon)
	session.SetExpiry(sessionstore.After(time.Hour))
	if got, _ := session.GetString("_session_expiry"); got != "2026-03-01T07:00:00" {
		t.Errorf("stored %q, want local time without zone", got)
	}
	if got := session.Age(); got != time.Hour {
		t.Errorf("age %s, want 1h", got)
	}
}
