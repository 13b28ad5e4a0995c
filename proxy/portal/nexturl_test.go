package portal

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever Django's versions refuse is refused (the newest decides, 3.2 lets tabs pass).
func TestNextVectors_3_7_2(t *testing.T) {
	for _, set := range []string{"", "django-6.1"} {
		data, err := os.ReadFile(filepath.Join("../../testdata/vectors", set, "next_url.json"))
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Cases []map[string]any }
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		if len(file.Cases) < 100 {
			t.Fatalf("%d cases, want all of them", len(file.Cases))
		}
		for column, origins := range map[string][]string{
			"http":                {"http://testserver", "https://testserver"},
			"https":               {"https://testserver"},
			"http_no_hosts":       nil,
			"http_two_hosts":      {"http://testserver", "https://testserver", "http://evil.com", "https://evil.com"},
			"http_host_with_port": {"http://testserver:8000", "https://testserver:8000"},
		} {
			for _, tc := range file.Cases {
				raw := tc["url"].(string)
				if got, ok := safeNext(raw, origins); ok && !tc[column].(bool) {
					t.Errorf("%s %s: %q is accepted as %q, Django refuses it", set, column, raw, got)
				}
			}
		}
	}
}

func TestNext(t *testing.T) {
	origins := []string{"https://app.example.com", "https://app.example.com:8443"}
	for _, tc := range []struct {
		raw, want string // empty: refused
	}{
		{"/", "/"},
		{"/reports?year=2026&q=a%20b#top", "/reports?year=2026&q=a%20b#top"},
		{"/search?back=//evil.example/&x=http://evil.example", "/search?back=//evil.example/&x=http://evil.example"},
		{"/a//b", "/a//b"},
		{"/grüße", "/gr%C3%BC%C3%9Fe"},
		{`/q?"<x>`, "/q?%22%3Cx%3E"},
		{"/100%", "/100%"},
		{"https://app.example.com", "https://app.example.com/"},
		{"https://app.example.com/x", "https://app.example.com/x"},
		{"https://app.example.com:8443/x", "https://app.example.com:8443/x"},
		{"", ""},
		{"reports", ""},
		{"?a", ""},
		{"//evil.example", ""},
		{"///evil.example", ""},
		{`/\evil.example`, ""},
		{`\evil.example`, ""},
		{"/\t/evil.example", ""},
		{"/\n/evil.example", ""},
		{"/\x00", ""},
		{" /x", ""},
		{"/x ", ""},
		{"\u00a0//evil.example", ""},
		{"/.//evil.example", ""},
		{"//.", ""},
		{"/.//.", ""},
		{"/a/.", "/a/."},
		{"/a/..//evil.example", ""},
		{"/%2f/evil.example", ""},
		{"/%2Fevil.example", ""},
		{"/%5cevil.example", ""},
		{"/%09/evil.example", ""},
		{"/%252fevil.example", ""},
		{"/%2f%zz", ""},
		{"/%2e/%2fevil.example", ""},
		{"http:evil.example", ""},
		{"https:/evil.example", ""},
		{"https://evil.example/", ""},
		{"javascript:alert(1)", ""},
		{"http://app.example.com/", ""},
		{"https://APP.example.com/", ""},
		{"https://app.example.com.evil.example/", ""},
		{"https://app.example.com@evil.example/", ""},
		{"https://app.example.com?x", ""},
		{"https://app.example.com//evil.example", ""},
		{"https://app.example.com:8444/", ""},
		{"/\xff", ""},
		{"/" + strings.Repeat("x", maxNext), ""},
	} {
		if got, ok := safeNext(tc.raw, origins); got != tc.want || ok != (tc.want != "") {
			t.Errorf("safeNext(%q) = %q, %t; want %q", tc.raw, got, ok, tc.want)
		}
	}
}

// browse resolves a Location as a browser does (WHATWG URL: tabs and line breaks removed, C0 and blanks trimmed, "\" is "/").
func browse(base, location string) (*url.URL, error) {
	location = strings.Map(func(r rune) rune {
		switch r {
		case '\t', '\n', '\r':
			return -1
		case '\\':
			return '/'
		}
		return r
	}, strings.TrimFunc(location, func(r rune) bool { return r <= ' ' }))
	from, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	return from.Parse(location)
}

// No accepted URL leaves the host, however it is read.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/", "/a?b#c", "//evil.example", `/\evil.example`, "/\t/e", "/%2f/e", "/.//e", "https://app.example.com/x", "https://app.example.com@e/", "/\u2028//e", "/%"} {
		f.Add(seed)
	}
	const origin = "https://app.example.com"
	f.Fuzz(func(t *testing.T, raw string) {
		location, ok := safeNext(raw, []string{origin})
		if !ok {
			return
		}
		if strings.ContainsFunc(location, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Errorf("safeNext(%q) = %q: not printable ASCII", raw, location)
		}
		if u, err := browse(origin+"/.auth/login", location); err == nil && (u.Host != "app.example.com" || u.Scheme != "https") {
			t.Errorf("safeNext(%q) = %q leads to %s", raw, location, u)
		}
		rest := strings.TrimPrefix(location, origin)
		if decoded := decodePercent(rest); !strings.HasPrefix(rest, "/") || strings.HasPrefix(decoded, "//") || strings.HasPrefix(decoded, `/\`) {
			t.Errorf("safeNext(%q) = %q: may be read as another host", raw, location)
		}
	})
}
