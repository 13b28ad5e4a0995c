package upstream

import (
	"net/url"
	"strings"
	"testing"
)

func TestScript(t *testing.T) {
	for _, c := range []struct{ path, name, info string }{
		{"/index.php", "/index.php", ""}, {"/a/b.php/c/d.php", "/a/b.php", "/c/d.php"}, {"/a.php/", "/a.php", "/"},
		{"/", "/index.php", ""}, {"/a/", "/a/index.php", ""}, {"/v1.2/a.php", "/v1.2/a.php", ""}, {"/a%20b.php", "/a b.php", ""},
		{"/a.php%2Fb", "/a.php", "/b"}, {"//a//b.php//c", "/a/b.php", "//c"}, {"/x.php.jpg/y.php", "/x.php.jpg/y.php", ""},
		{"/a.php5/", "/a.php5/index.php", ""}, {"/a.PHP/", "/a.PHP/index.php", ""}, {"/a.php /", "/a.php /index.php", ""},
		{"/...php", "/...php", ""}, {"/.../a.php", "/.../a.php", ""},
	} {
		f := FastCGI{Root: "/srv", Index: "index.php"}
		got, err := f.script(&url.URL{Opaque: c.path}, "")
		if err != nil || got != (script{c.name, c.info}) {
			t.Errorf("%s: %q, %v, want %q and %q", c.path, got, err, c.name, c.info)
		}
	}
	f := FastCGI{Root: "/srv", Index: "index.php"}
	for _, path := range []string{"", "*", "index.php", "/a", "/a.jpg", "/.php", "/a/.php", "/a.jpg/.php/b.php", "/a%00.php", "/a%0d%0a.php", "/../a.php",
		"/a.php/..", "/a.php/../b", "/%2e%2e/a.php", "/..%5ca.php", "/a.php%", "/./a.php", "/a.PHP", "/a.php%20", "/a.php::$DATA"} {
		if got, err := f.script(&url.URL{Opaque: path}, ""); err == nil {
			t.Errorf("%q became %q, want a refusal", path, got)
		}
	}
}

// FuzzScript: what is not refused is a named .php file below the root, and nothing of the path is lost.
func FuzzScript(f *testing.F) {
	for _, path := range []string{"/a/b.php/c", "/uploads/x.jpg/.php", "/x.php%00", "//a%2F..%2Fb.php", "/a/", "/..\\a.php"} {
		f.Add(path, false)
		f.Add(path, true)
	}
	f.Fuzz(func(t *testing.T, path string, fallback bool) {
		c := FastCGI{Root: "/srv", Index: "index.php"}
		if fallback {
			c.Fallback = "/front.php"
		}
		got, err := c.script(&url.URL{Opaque: path}, "")
		if err != nil {
			return
		}
		for segment := range strings.SplitSeq(got.name+got.info, "/") {
			if segment == ".." || segment == "." || hasControls(segment) {
				t.Errorf("%q became %q", path, got)
			}
		}
		base := got.name[strings.LastIndexByte(got.name, '/')+1:]
		if !strings.HasPrefix(got.name, "/") || strings.Contains(got.name, "//") || !isScript(base) {
			t.Errorf("%q became the script %q", path, got.name)
		}
		decoded, _ := url.PathUnescape(path)
		whole := mergeSlashes(got.name + got.info)
		if whole != mergeSlashes(decoded) && whole != mergeSlashes(decoded)+"index.php" && got.name != c.Fallback {
			t.Errorf("%q became %q", path, got)
		}
	})
}

func BenchmarkScript(b *testing.B) {
	c := FastCGI{Root: "/srv", Index: "index.php"}
	u := &url.URL{Opaque: "/wiki/lib/exe/index.php/some/page"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.script(u, ""); err != nil {
			b.Fatal(err)
		}
	}
}

// A program for every path: what the route stripped is its name, and the rest its path info (RFC 3875 4.1.5, 4.1.13).
func TestScriptProgram(t *testing.T) {
	f := FastCGI{Root: "/srv/git", Script: "/usr/lib/git-core/git-http-backend"}
	for _, c := range []struct{ path, mount, name, info string }{
		{"/", "", "", "/"}, {"/tea.git/info/refs", "/git", "/git", "/tea.git/info/refs"}, {"/a.php/b", "", "", "/a.php/b"}, {"/p%C3%A4th//x", "", "", "/päth//x"},
	} {
		got, err := f.script(&url.URL{Opaque: c.path}, c.mount)
		if err != nil || got != (script{c.name, c.info}) {
			t.Errorf("%s below %q: %q, %v, want %q and %q", c.path, c.mount, got, err, c.name, c.info)
		}
	}
	for _, path := range []string{"/../x", "/a%00b", "/%2e%2e/x", "/..%5cx", "/./x", "x"} {
		if got, err := f.script(&url.URL{Opaque: path}, ""); err == nil {
			t.Errorf("%q became %q, want a refusal", path, got)
		}
	}
}
