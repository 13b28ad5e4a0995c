package sessioncookie

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrip(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		keep  string
		want  []string
	}{
		{"no cookie", nil, "", nil},
		{"not ours", []string{`a=1;b="x y" ;c`}, "", []string{`a=1;b="x y" ;c`}},
		{"only ours", []string{"sessionid=" + key1}, "", nil},
		{"first", []string{"sessionid=" + key1 + "; a=1"}, "", []string{"a=1"}},
		{"middle", []string{"a=1; sessionid=" + key1 + "; b=2"}, "", []string{"a=1; b=2"}},
		{"last", []string{"a=1;sessionid=" + key1}, "", []string{"a=1"}},
		{"all of several", []string{"sessionid=" + key1 + "; a=1; sessionid=" + key2, "sessionid=" + key3}, "", []string{"a=1"}},
		{"lines are joined", []string{"a=1", "b=2; sessionid=" + key1, "c=3"}, "", []string{"a=1; b=2; c=3"}},
		{"lines are joined also without ours", []string{"a=1", "b=2"}, "", []string{"a=1; b=2"}},
		{"any white space", []string{"\u3000sessionid\xa0=" + key1 + "; \x85sessionid\u2028=x; a=1"}, "", []string{"a=1"}},
		{"other pairs stay byte for byte", []string{"a = \"1\\\"\" ; sessionid=" + key1 + ";\tb=ü;;c"}, "", []string{"a = \"1\\\"\" ;\tb=ü;;c"}},
		{"R9 exactly the checked one is kept", []string{"sessionid=" + key1 + "; a=1; sessionid=" + key2}, key2, []string{"sessionid=" + key2 + "; a=1"}},
		{"R9 kept once", []string{"a=1; sessionid=" + key1, `sessionid="` + key1 + `"; b=2`}, key1, []string{"a=1; sessionid=" + key1 + "; b=2"}},
		{"kept without blank", []string{"a=1;sessionid=" + key1}, key1, []string{"a=1; sessionid=" + key1}},
		{"a new key is put in", []string{"a=1"}, key2, []string{"a=1; sessionid=" + key2}},
		{"no cookie, a new key", nil, key2, []string{"sessionid=" + key2}},
		{"a key that is no value is left out", []string{"sessionid=" + key1 + "; a=1"}, "x; b=2", []string{"a=1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := http.Header{}
			if tc.lines != nil {
				h["Cookie"] = slices.Clone(tc.lines)
			}
			New(Options{}).Strip(h, tc.keep)
			if got := h["Cookie"]; !slices.Equal(got, tc.want) {
				t.Errorf("Strip(%q, %q) = %q, want %q", tc.lines, tc.keep, got, tc.want)
			}
			if _, present := h["Cookie"]; present != (tc.want != nil) {
				t.Errorf("Strip(%q) leaves an empty header", tc.lines)
			}
		})
	}
}

func TestDropSetCookie(t *testing.T) {
	cookie := New(Options{})
	for _, tc := range []struct {
		line string
		ours bool
	}{
		{"sessionid=x", true},
		{" sessionid =x; Path=/", true},
		{`sessionid=""; Max-Age=0`, true},
		{"=sessionid=x", true}, // a cookie without a name is sent back as its value
		{" = sessionid=x", true},
		{"SessionID=x", false},
		{"other=sessionid=x", false},
		{"a=1; sessionid=x", false}, // an unknown attribute
		{"sessionid", false},
	} {
		h := http.Header{"Set-Cookie": {"a=1", tc.line}}
		if got := cookie.SetBy(h); got != tc.ours {
			t.Errorf("SetBy(%q) = %t, want %t", tc.line, got, tc.ours)
		}
		want := []string{"a=1", tc.line}
		if tc.ours {
			want = want[:1]
		}
		if cookie.DropSetCookie(h); !slices.Equal(h["Set-Cookie"], want) {
			t.Errorf("DropSetCookie(%q) leaves %q, want %q", tc.line, h["Set-Cookie"], want)
		}
	}
	h := http.Header{"Set-Cookie": {"sessionid=x"}}
	if cookie.DropSetCookie(h); len(h) != 0 {
		t.Errorf("DropSetCookie leaves an empty header: %v", h)
	}
}

// others are the pairs that are not ours, trimmed, in order, of all lines.
func others(cookie *Cookie, lines []string) (pairs []string, ours int) {
	for _, line := range lines {
		for chunk := range strings.SplitSeq(line, ";") {
			switch {
			case cookie.ours(chunk):
				ours++
			case strings.Trim(chunk, " \t") != "":
				pairs = append(pairs, strings.Trim(chunk, " \t"))
			}
		}
	}
	return pairs, ours
}

func FuzzStrip(f *testing.F) {
	for _, seed := range []string{
		"sessionid=" + key1, "a=1; sessionid=" + key1 + "; b=2", "a=\"x; sessionid=" + key1 + "\"", ";;; sessionid ==;", "\u00a0sessionid=x",
		"\xa0 \x1csessionid\xe2\x80\xa8=x; \xc2\xa0=", "sessionid", "=sessionid=x; sessionid=\"\\101\"",
	} {
		f.Add(seed, "a=1", key1)
		f.Add(seed, seed, "")
	}
	cookie := New(Options{})
	f.Fuzz(func(t *testing.T, line1, line2, keep string) {
		in := []string{line1, line2}
		before, _ := others(cookie, in)
		h := http.Header{"Cookie": slices.Clone(in)}
		cookie.Strip(h, keep)
		after, ours := others(cookie, h["Cookie"])
		want := 0
		if validValue(keep) {
			want = 1
		}
		if ours != want || !slices.Equal(before, after) || len(h["Cookie"]) > 1 {
			t.Errorf("Strip(%q, %q) = %q: %d of ours, want %d; %s", in, keep, h["Cookie"], ours, want, cmp.Diff(before, after))
		}
		if keys := cookie.Keys(h); want == 1 && len(keep) >= minKey && !slices.Equal(keys, []string{keep}) {
			t.Errorf("Strip(%q, %q) = %q: keys %q", in, keep, h["Cookie"], keys)
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add("sessionid=" + key1)
	f.Add(`sessionid="\101\`)
	f.Add(`sessionid="\`)
	f.Add("sessionid=" + key1 + ";sessionid=" + key2 + ";sessionid=" + key3 + ";sessionid=" + key4)
	f.Fuzz(func(t *testing.T, line string) {
		cookie, h := New(Options{}), http.Header{"Cookie": {line}}
		keys := cookie.Keys(h)
		if len(keys) > maxKeys {
			t.Errorf("Keys(%q) = %q, want at most %d", line, keys, maxKeys)
		}
		want, sent := parseAll(line)["sessionid"]
		if sent != cookie.Sent(h) || sent && len(want) >= minKey && keys[0] != want {
			t.Errorf("Keys(%q) = %q, Sent %t; want %q first", line, keys, cookie.Sent(h), want)
		}
	})
}

func BenchmarkStrip(b *testing.B) {
	cookie := New(Options{})
	line := []string{"csrftoken=cccccccccccccccccccccccccccccccc; sessionid=kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk; theme=dark"}
	h := http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		h["Cookie"] = line
		cookie.Strip(h, "")
	}
}
