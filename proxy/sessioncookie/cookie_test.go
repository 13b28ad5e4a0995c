package sessioncookie

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

const key1, key2, key3, key4 = "key1key1key1", "key2key2key2", "key3key3key3", "key4key4key4"

func TestKeys(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"none", nil, nil},
		{"one", []string{"a=1; sessionid=" + key1}, []string{key1}},
		{"R9 the last of several first", []string{"sessionid=" + key1 + "; sessionid=" + key2}, []string{key2, key1}},
		{"R9 the same twice is one", []string{"sessionid=" + key1 + "; sessionid=" + key1}, []string{key1}},
		{"R9 at most three", []string{"sessionid=" + key1 + "; sessionid=" + key2, "sessionid=" + key3, "sessionid=" + key4}, []string{key4, key3, key2}},
		{"R9 repeated early one counts where it is last", []string{"sessionid=" + key1 + ";sessionid=" + key2 + ";sessionid=" + key1}, []string{key1, key2}},
		{"several lines", []string{"a=1", "sessionid=" + key1, "b=2"}, []string{key1}},
		{"quoted", []string{`sessionid="` + key1 + `"`}, []string{key1}},
		{"octal escapes", []string{`sessionid="\153ey1key1key\61\x"`}, []string{"key1key1key61x"}},
		{"a lone backslash stays", []string{`sessionid="key1key1\"`}, []string{`key1key1\`}},
		{"too short", []string{"sessionid=1234567"}, nil},
		{"R9 names are case-sensitive", []string{"SessionID=" + key1}, nil},
		{"R9 only blanks and tabs are trimmed", []string{"\u00a0sessionid=" + key1, "\xa0sessionid=" + key2, "\t sessionid\t=\t" + key3}, []string{key3}},
		{"R9 first = splits", []string{"sessionid=" + key1 + "=x"}, []string{key1 + "=x"}},
		{"another name that ends alike", []string{"xsessionid=" + key1}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := New(Options{}).Keys(http.Header{"Cookie": tc.lines}); !slices.Equal(got, tc.want) {
				t.Errorf("Keys(%q) = %q, want %q", tc.lines, got, tc.want)
			}
		})
	}
}

func TestSecure_3_3_1(t *testing.T) {
	for _, tc := range []struct {
		opts        Options
		https, want bool
	}{
		{Options{}, false, false},
		{Options{}, true, true},
		{Options{Secure: SecureAlways}, false, true},
		{Options{Secure: SecureNever}, true, false},
		{Options{Name: "__Host-sid"}, false, true},
		{Options{Name: "__Secure-sid"}, false, true},
		{Options{SameSite: "NONE"}, false, true},
	} {
		line, err := New(tc.opts).Set(key1, time.Hour, false, tc.https)
		if got := strings.HasSuffix(line, "; Secure"); got != tc.want || err != nil {
			t.Errorf("%+v https %t: %q, %v; want Secure %t", tc.opts, tc.https, line, err, tc.want)
		}
	}
}

// The line's limit is what browsers keep; a session that does not fit is refused, never cut.
func TestSet_3_3_5(t *testing.T) {
	cookie := New(Options{})
	short, _ := cookie.Set(key1, 0, true, true)
	fits := strings.Repeat("x", 4096-len(short)+len(key1))
	if line, err := cookie.Set(fits, 0, true, true); err != nil || len(line) != 4096 {
		t.Errorf("Set of a key that just fits: %d bytes, %v; want 4096, nil", len(line), err)
	}
	if line, err := cookie.Set(fits+"x", 0, true, true); !errors.Is(err, ErrTooLong) || line != "" {
		t.Errorf("Set of a key one byte too long: %q, %v; want ErrTooLong", line, err)
	}
	for _, bad := range []string{"", "a;b", "a b", "a\r\nb", `a"b`, "a,b", "ä"} {
		if line, err := cookie.Set(bad, 0, false, false); !errors.Is(err, ErrBadKey) || line != "" {
			t.Errorf("Set(%q) = %q, %v; want ErrBadKey", bad, line, err)
		}
	}
}

func TestSetFraction(t *testing.T) {
	now := func() time.Time { return time.Unix(1700000000, 0) }
	for age, want := range map[time.Duration]string{
		1500 * time.Millisecond:  "Max-Age=1;",
		-1500 * time.Millisecond: "Max-Age=-1;",
		0:                        "Max-Age=0;",
	} {
		if line, _ := New(Options{Now: now}).Set(key1, age, false, false); !strings.Contains(line, want) {
			t.Errorf("Set for %s = %q, want %s", age, line, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts Options
		want string // part of the error; empty: none
	}{
		{"3.3.3 defaults", Options{}, ""},
		{"3.3.3 host prefix is one setting away", Options{Name: "__Host-sessionid"}, ""},
		{"host prefix with domain", Options{Name: "__Host-sid", Domain: "example.com"}, "without a domain"},
		{"host prefix with path", Options{Name: "__host-sid", Path: "/app"}, "path /"},
		{"host prefix not secure", Options{Name: "__Host-sid", Secure: SecureNever}, "Secure"},
		{"SameSite word", Options{SameSite: "Loose"}, "Lax, Strict, None"},
		{"SameSite none not secure", Options{SameSite: "none", Secure: SecureNever}, "Secure"},
		{"name", Options{Name: "a;b"}, "letters"},
		{"domain", Options{Domain: "https://example.com"}, "host name"},
		{"path", Options{Path: "app"}, "begins with /"},
		{"path injection", Options{Path: "/; Domain=evil.example"}, "no ;"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.opts.Validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Validate(%+v) = %v, want %q", tc.opts, err, tc.want)
			}
		})
	}
}

func BenchmarkKeys(b *testing.B) {
	cookie := New(Options{})
	h := http.Header{"Cookie": {fmt.Sprintf("csrftoken=%s; sessionid=%s; theme=dark", strings.Repeat("c", 32), strings.Repeat("k", 32))}}
	b.ReportAllocs()
	for b.Loop() {
		if len(cookie.Keys(h)) != 1 {
			b.Fatal("no key")
		}
	}
}
