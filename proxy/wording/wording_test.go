package wording

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func named(t testing.TB, tag string) *Language {
	t.Helper()
	for _, l := range Languages() {
		if l.Tag() == tag {
			return l
		}
	}
	t.Fatalf("there is no language %s", tag)
	return nil
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// Every language says all that English says, with the same values, in every plural form that it has, and nothing more.
func TestComplete(t *testing.T) {
	for _, l := range Languages() {
		for key, english := range English().texts {
			base, form, plural := strings.Cut(key, "#")
			text, ok := l.texts[key]
			if plural && form != "other" {
				continue
			}
			if !ok {
				t.Errorf("%s lacks %s", l.Tag(), key)
				continue
			}
			want, got := placeholder.FindAllString(english, -1), placeholder.FindAllString(text, -1)
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s: %s has the values %q, English has %q", l.Tag(), key, got, want)
			}
			for n := 0; plural && n < 200; n++ {
				if _, ok := l.texts[base+"#"+l.form(n)]; !ok {
					t.Errorf("%s lacks %s#%s, for %d", l.Tag(), base, l.form(n), n)
				}
			}
		}
		for key := range l.texts {
			if base, _, plural := strings.Cut(key, "#"); !plural && English().texts[key] == "" || plural && English().texts[base+"#other"] == "" {
				t.Errorf("%s says %s, which English does not", l.Tag(), key)
			}
		}
	}
}

func TestFor(t *testing.T) {
	for accept, want := range map[string]string{
		"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.8": "de", "en-GB,en;q=0.9": "en", "fr": "en", "fr,de;q=0.5": "de", "*": "en",
		"nonsense;;;=": "en", "de;q=0,en": "en", "gsw": "de", strings.Repeat("de,", 400): "en", "\xff": "en",
	} {
		h := http.Header{}
		if accept != "" {
			h.Set("Accept-Language", accept)
		}
		if got := For(h).Tag(); got != want {
			t.Errorf("Accept-Language %.40q: %s, want %s", accept, got, want)
		}
	}
}

func TestAnnounce(t *testing.T) {
	h := http.Header{"Vary": {"Cookie"}}
	named(t, "de").Announce(h)
	named(t, "de").Announce(h)
	if got := h["Vary"]; !slices.Equal(got, []string{"Cookie", "Accept-Language"}) || h.Get("Content-Language") != "de" {
		t.Errorf("header %v", h)
	}
}

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d      time.Duration
		en, de string
	}{
		{0, "1 second", "1 Sekunde"},
		{time.Millisecond, "1 second", "1 Sekunde"},
		{90 * time.Second, "90 seconds", "90 Sekunden"},
		{time.Minute, "1 minute", "1 Minute"},
		{301 * time.Second, "6 minutes", "6 Minuten"},
		{36 * time.Hour, "36 hours", "36 Stunden"},
		{3 * time.Hour, "3 hours", "3 Stunden"},
		{24 * time.Hour, "1 day", "1 Tag"},
		{7 * day, "7 days", "7 Tage"},
		{336 * time.Hour, "2 weeks", "2 Wochen"},
		{30 * day, "30 days", "30 Tage"},
		{365 * day, "1 year", "1 Jahr"},
	} {
		if en, de := English().Duration(c.d), named(t, "de").Duration(c.d); en != c.en || de != c.de {
			t.Errorf("%s: %q and %q, want %q and %q", c.d, en, de, c.en, c.de)
		}
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "gerade eben", 59 * time.Second: "gerade eben", time.Minute: "vor 1 Minute", 119 * time.Minute: "vor 1 Stunde",
		47 * time.Hour: "vor 47 Stunden", 3*day + time.Hour: "vor 3 Tagen", 15 * day: "vor 2 Wochen", 800 * day: "vor 2 Jahren",
	} {
		if got := named(t, "de").Ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := named(t, "de").Date(time.Date(2026, 3, 1, 23, 5, 0, 0, time.FixedZone("", -3600))); got != "2. März 2026, 00:05 Uhr UTC" {
		t.Errorf("date %q", got)
	}
}

func TestMark_1_2_1(t *testing.T) {
	if got := English().Mark("logout.who", Values{"user": `<b>{user}`}); got != "You are logged in as <strong>&lt;b&gt;{user}</strong>." {
		t.Errorf("got %s", got)
	}
	if got := English().Mark(`<i>no key {x`, nil); got != "&lt;i&gt;no key {x" {
		t.Errorf("got %s", got)
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"key", "key = ", "a = b\na = c"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func BenchmarkFor(b *testing.B) {
	h := http.Header{"Accept-Language": {"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"}}
	b.ReportAllocs()
	for b.Loop() {
		For(h)
	}
}
