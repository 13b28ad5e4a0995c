package sessioncookie

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const vectors = "../../testdata/vectors"

var sets = []string{"", "django-3.2", "django-6.1"}

func readVectors(t *testing.T, set, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(vectors, set, file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

type setCase struct {
	Name, URL string
	Settings  map[string]any
	Now       int64
	SetCookie *string `json:"set_cookie"`
	Kind      *string `json:"set_cookie_kind"`
}

// options are Django's settings of a case as ours.
func (c setCase) options() Options {
	o := Options{Name: "sessionid", Path: "/", SameSite: "Lax", HTTPOnly: true, Secure: SecureNever}
	o.Now = func() time.Time { return time.Unix(c.Now, 0) }
	for name, value := range c.Settings {
		text, _ := value.(string)
		switch name {
		case "SESSION_COOKIE_NAME":
			o.Name = text
		case "SESSION_COOKIE_DOMAIN":
			o.Domain = text
		case "SESSION_COOKIE_PATH":
			o.Path = text
		case "SESSION_COOKIE_SAMESITE":
			o.SameSite = text
		case "SESSION_COOKIE_HTTPONLY":
			o.HTTPOnly = value.(bool)
		case "SESSION_COOKIE_SECURE":
			if value.(bool) {
				o.Secure = SecureAlways
			}
		}
	}
	return o
}

// life is what Django's session says of its expiry in a case.
func (c setCase) life() (age time.Duration, browserClose bool) {
	seconds := 1209600.0
	if s, ok := c.Settings["SESSION_COOKIE_AGE"].(float64); ok {
		seconds = s
	}
	browserClose, _ = c.Settings["SESSION_EXPIRE_AT_BROWSER_CLOSE"].(bool)
	switch c.URL {
	case "/expiry/0":
		browserClose = true
	case "/expiry/300":
		seconds, browserClose = 300, false
	}
	return time.Duration(seconds) * time.Second, browserClose
}

func TestSetCookieVectors(t *testing.T) {
	for _, set := range sets {
		var file struct{ Cases []setCase }
		readVectors(t, set, "set_cookie.json", &file)
		seen := 0
		for _, tc := range file.Cases {
			if tc.SetCookie == nil {
				continue
			}
			seen++
			t.Run(set+" "+tc.Name+" "+tc.URL, func(t *testing.T) {
				if got := lineOf(t, tc); got != *tc.SetCookie {
					t.Errorf("settings %v\n got %s\nwant %s", tc.Settings, got, *tc.SetCookie)
				}
			})
		}
		if seen < 60 {
			t.Errorf("%s: %d cases with a cookie, want at least 60", set, seen)
		}
	}
}

func lineOf(t *testing.T, tc setCase) string {
	t.Helper()
	cookie := New(tc.options())
	if *tc.Kind == "deleted" {
		return cookie.Clear()
	}
	_, key, _ := strings.Cut(*tc.SetCookie, "=")
	key, _, _ = strings.Cut(key, ";")
	age, browserClose := tc.life()
	got, err := cookie.Set(strings.Trim(key, "<>"), age, browserClose, true)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(got, "=NEWKEY;", "=<NEWKEY>;", 1)
}

func TestCookieParseVectors(t *testing.T) {
	for _, set := range sets {
		var file struct {
			Cases []struct {
				Header    string `json:"cookie_header"`
				Parsed    map[string]string
				SessionID *string
			}
		}
		readVectors(t, set, "cookie_parse.json", &file)
		for _, tc := range file.Cases {
			if got := parseAll(tc.Header); !cmp.Equal(got, tc.Parsed) {
				t.Errorf("%s: parse %q: %s", set, tc.Header, cmp.Diff(tc.Parsed, got))
			}
			cookie, h := New(Options{}), http.Header{"Cookie": {tc.Header}}
			if got, want := cookie.Sent(h), tc.SessionID != nil; got != want {
				t.Errorf("%s: Sent(%q) = %t, want %t", set, tc.Header, got, want)
			}
			if tc.SessionID != nil && len(*tc.SessionID) >= minKey && cookie.Keys(h)[0] != *tc.SessionID {
				t.Errorf("%s: Keys(%q) = %q, want %q first", set, tc.Header, cookie.Keys(h), *tc.SessionID)
			}
		}
	}
}

// parseAll is the dictionary that Django makes of a Cookie header.
func parseAll(line string) map[string]string {
	parsed := map[string]string{}
	for chunk := range strings.SplitSeq(line, ";") {
		if name, value := parsePair(chunk); name != "" || value != "" {
			parsed[name] = unquote(value)
		}
	}
	return parsed
}
