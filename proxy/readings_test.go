package proxy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReadings_1_1_1(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want []string // must be among the readings; the first must be the first
	}{
		{"/", []string{"/"}},
		{"/a/b.html", []string{"/a/b.html"}},
		{"/%61dmin", []string{"/admin"}},
		{"/caf%C3%A9", []string{"/café"}},
		{"/caf%E9", []string{"/caf\xe9"}},
		{"/a%2Fb", []string{"/a%2Fb", "/a/b"}},
		{"/a%252Fb", []string{"/a%252Fb", "/a%2Fb", "/a/b"}},
		{"/a%25252525b", []string{"/a%25252525b", "/a%252525b", "/a%2525b", "/a%25b"}},
		{"/public/..%2fadmin", []string{"/public/..%2fadmin", "/admin"}},
		{"/public/%2e%2e/admin", []string{"/public/../admin", "/admin"}},
		{"/public/%252e%252e/admin", []string{"/public/%252e%252e/admin", "/admin"}},
		{"/public/..;/admin", []string{"/public/..;/admin", "/admin"}},
		{"/public/..;x=1/admin", []string{"/public/..;x=1/admin", "/admin"}},
		{"/public/%2e%2e%3b/admin", []string{"/public/..%3b/admin", "/admin"}},
		{`/public\..\admin`, []string{`/public\..\admin`, "/admin"}},
		{"/public%5c..%5cadmin", []string{"/public%5c..%5cadmin", "/admin"}},
		{"//admin", []string{"//admin", "/admin"}},
		{"/x/%2f/../y", []string{"/x/%2f/../y", "/y", "/x/y"}},
		{"/admin.", []string{"/admin.", "/admin"}},
		{"/admin%20", []string{"/admin ", "/admin"}},
		{"/public/..%20/admin", []string{"/public/.. /admin", "/admin"}},
		{"/admin%3fx", []string{"/admin%3fx", "/admin?x", "/admin"}},
		{"/admin%23x", []string{"/admin%23x", "/admin"}},
		{"/%EF%BD%81dmin", []string{"/ａdmin", "/admin"}},
		{"/public/%E2%80%A4%E2%80%A4/admin", []string{"/public/․․/admin", "/admin"}},
		{"/public%EF%BC%8F..%EF%BC%8Fadmin", []string{"/public／..／admin", "/admin"}},
		{"/./a/.", []string{"/./a/.", "/a/"}},
		{"/../../a", []string{"/../../a", "/a"}},
	} {
		t.Run(c.raw, func(t *testing.T) {
			got, err := readings(nil, c.raw, false)
			if err != nil {
				t.Fatalf("readings(%q): %v", c.raw, err)
			}
			if got[0] != c.want[0] {
				t.Errorf("readings(%q)[0] = %q, want %q", c.raw, got[0], c.want[0])
			}
			for _, want := range c.want {
				if !slices.Contains(got, want) {
					t.Errorf("readings(%q) = %q, lacks %q", c.raw, got, want)
				}
			}
		})
	}
}

func TestReadingsRefused_8_2_1(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      error
	}{
		{"NUL", "/a%00b", errControlByte},
		{"newline", "/a%0ab", errControlByte},
		{"tab", "/a%09", errControlByte},
		{"DEL", "/%7f", errControlByte},
		{"NUL encoded twice", "/a%2500b", errControlByte},
		{"NUL encoded three times", "/a%252500b", errControlByte},
		{"overlong slash", "/a%c0%afb", errOverlong},
		{"overlong dot", "/%c0%ae%c0%ae/", errOverlong},
		{"overlong of three bytes", "/%e0%80%af", errOverlong},
		{"overlong of four bytes", "/%f0%80%80%af", errOverlong},
		{"overlong encoded twice", "/%25c0%25af", errOverlong},
		{"every oddity", "/a;b%5c.%20/%2f//c%253f.%E2%80%A4%252523/..;/d%25255c..", errAmbiguous},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := readings(nil, c.raw, false); !errors.Is(err, c.want) {
				t.Errorf("readings(%.40q) = %d readings, %v, want %v", c.raw, len(got), err, c.want)
			}
		})
	}
}

func TestReadingsFolded(t *testing.T) {
	for raw, want := range map[string]string{
		"/Admin": "/admin", "/ADMIN/%41": "/admin/a", "/%E2%84%AAey": "/key", "/Stra%C3%9Fe": "/strasse", "/admin": "/admin",
	} {
		got, err := readings(nil, raw, true)
		if err != nil || !slices.Contains(got, want) {
			t.Errorf("readings(%q, fold) = %q, %v, lacks %q", raw, got, err, want)
		}
	}
}

func TestPlainPathCostsNothing(t *testing.T) {
	const raw = "/projects/coatcheck/src/main.go"
	allocs := testing.AllocsPerRun(100, func() {
		var buf [4]string
		if got, err := readings(buf[:0], raw, false); err != nil || len(got) != 1 {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("readings(%q) allocates %v times", raw, allocs)
	}
}

// FuzzReadings: whatever the path, the readings are closed: no rewrite of a reading, in any order, is a path that the
// verdict has not seen.
func FuzzReadings(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/../b", "/a%2f..%2fb", "/..;/x", `/a\..\b`, "/%2e%2e%3b/", "/a%00", "/%c0%af", "//a//b//", "/a./b ./..", "/%EF%BC%8F", "/%25252e", "/a?b", "/a;b#c",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, raw string, fold bool) {
		if !strings.HasPrefix(raw, "/") || len(raw) > 2048 {
			return
		}
		got, err := readings(nil, raw, fold)
		if err != nil {
			return
		}
		for _, reading := range got {
			if !strings.HasPrefix(reading, "/") || hasControl(reading) {
				t.Fatalf("readings(%q) holds %q", raw, reading)
			}
			for i, rewrite := range rewrites {
				next := rewrite(reading)
				if fold {
					next = foldCase(next)
				}
				if !slices.Contains(got, next) {
					t.Fatalf("readings(%q) = %q: rewrite %d of %q is %q, which escapes", raw, got, i, reading, next)
				}
			}
		}
		for depth, next := 0, raw; depth < maxDecodings; depth++ {
			next = decode(next, "")
			check := next
			if fold {
				check = foldCase(check)
			}
			if !slices.Contains(got, check) {
				t.Fatalf("readings(%q) = %q: decoded %d times it is %q, which escapes", raw, got, depth+1, check)
			}
		}
	})
}

func BenchmarkReadings(b *testing.B) {
	for name, raw := range map[string]string{
		"plain": "/projects/coatcheck/src/main.go", "escaped": "/files/My%20Documents/r%C3%A9sum%C3%A9.pdf",
		"encoded_slash": "/api/v4/projects/group%2Fproject/issues", "hostile": `/a/..;/%252e%252e/b\c//d./`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var buf [4]string
				if _, err := readings(buf[:0], raw, false); err != nil && !errors.Is(err, errAmbiguous) {
					b.Fatal(err)
				}
			}
		})
	}
}
