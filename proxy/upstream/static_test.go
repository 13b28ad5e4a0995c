package upstream_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"coatcheck/proxy/upstream"
)

// webFolder is a document root with what must be served, what must not, and a secret beside it.
func webFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web/style.css": "css", "web/lib/Logo.PNG": "png", "web/päth/a b.js": "js", "web/empty.css": "", "web/.well-known.css/x.css": "SECRET",
		"web/index.php": "<?php SECRET", "web/lib/conf.inc": "SECRET", "web/db.sqlite": "SECRET", "web/dump.sql": "SECRET", "web/x.php~": "SECRET",
		"web/.htaccess": "SECRET", "web/.git/config": "SECRET", "web/.hidden.css": "SECRET", "web/README": "SECRET", "web/x.php.css/y.css": "css",
		"web/folder.css/inside.txt": "SECRET", "web/upper.PHP": "<?php SECRET", "web/x.php/y.css": "SECRET", `web/back\slash.css`: "SECRET", "outside.css": "SECRET",
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("../outside.css", filepath.Join(dir, "web/out.css")), os.Symlink("/etc", filepath.Join(dir, "web/etc")),
		os.Symlink("index.php", filepath.Join(dir, "web/source.txt")), os.Symlink("style.css", filepath.Join(dir, "web/alias.css")),
		syscall.Mkfifo(filepath.Join(dir, "web/pipe.css"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "web")
}

// Nobody listens at the upstream: what is not a file goes there, and is an error.
func openStatic(t *testing.T, f upstream.FastCGI) *upstream.Upstream {
	t.Helper()
	f.Static = true
	return open(t, upstream.Options{URL: "fcgi+unix:" + filepath.Join(t.TempDir(), "none"), FastCGI: f})
}

func TestStatic(t *testing.T) {
	u := openStatic(t, upstream.FastCGI{Root: webFolder(t)})
	for path, want := range map[string]struct{ text, kind string }{
		"/style.css": {"css", "text/css; charset=utf-8"}, "/lib/Logo.PNG": {"png", "image/png"}, "/p%C3%A4th/a%20b.js": {"js", "text/javascript; charset=utf-8"},
		"/empty.css": {"", "text/css; charset=utf-8"}, "/alias.css": {"css", "text/css; charset=utf-8"}, "/%73tyle.css?v=1": {"css", "text/css; charset=utf-8"},
		"/x.php.css/y.css": {"css", "text/css; charset=utf-8"},
	} {
		res, text, err := do(t, u, forwarded(t, "GET", path, nil))
		if err != nil || res.StatusCode != 200 || text != want.text || res.Header.Get("Content-Type") != want.kind || res.ContentLength != int64(len(want.text)) ||
			res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v %q, %v, want %q", path, res, text, err, want)
		}
	}
}

// Sources, settings, dotfiles and everything outside stay where they are (ASVS 1.1.1, 13.4).
func TestStatic_1_1_1(t *testing.T) {
	root := webFolder(t)
	for name, f := range map[string]upstream.FastCGI{
		"plain": {Root: root}, "fallback": {Root: root, Fallback: "/index.php"}, "all endings": {Root: root + "/", StaticEndings: []string{"css", "php", "txt", "inc", "htaccess", "css "}},
	} {
		u := openStatic(t, f)
		for _, path := range []string{
			"/index.php", "/index.php/", "/index.php%00", "/index.php%00.css", "/index.php%0a.css", "/index.php/x.css", "/x.php/y.css", "/X.PHP/y.css", "/upper.PHP",
			"/index.php.", "/index.php%20", "/index.php::$DATA.css", "/x.php~", "/db.sqlite", "/dump.sql", "/README", "/.htaccess", "/lib/../.htaccess", "/.git/config",
			"/.hidden.css", "/.well-known.css/x.css", "/../outside.css", "/%2e%2e/outside.css", "/..%2foutside.css", `/..\outside.css`, "/..%5coutside.css", "/out.css",
			"/etc/passwd", "/etc/hosts.css", "//style.css", "//etc/passwd", "/style.css/", "/style.css%00", "/folder.css", "/folder.css/", "/pipe.css", `/back\slash.css`, "/back%5Cslash.css",
			"/missing.css", "", "*", "/%zz.css", "/./style.css", "/lib/./../style.css", "/%2Fstyle.css", "/p%c3%a4th%2f..%2fstyle.css", "/source.php",
		} {
			if res, text, err := do(t, u, forwarded(t, "GET", path, nil)); err == nil {
				t.Errorf("%s %s: %d %q, want that no file is served", name, path, res.StatusCode, text)
			}
		}
		if _, _, err := do(t, u, forwarded(t, "POST", "/style.css", strings.NewReader("x"))); err == nil {
			t.Errorf("%s: a POST was answered with a file", name)
		}
	}
}

func TestStaticConditions(t *testing.T) {
	u := openStatic(t, upstream.FastCGI{Root: webFolder(t)})
	ask := func(method string, header ...string) (*http.Response, string) {
		t.Helper()
		r := forwarded(t, method, "/style.css", nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, text, err := do(t, u, r)
		if err != nil {
			t.Fatal(err)
		}
		return res, text
	}
	whole, _ := ask("GET")
	for _, c := range []struct {
		name, method, header, value string
		status                      int
		text                        string
		length                      int64
	}{
		{"HEAD", "HEAD", "A", "b", 200, "", 3},
		{"same ETag", "GET", "If-None-Match", whole.Header.Get("Etag"), 304, "", -2},
		{"other ETag", "GET", "If-None-Match", `"x"`, 200, "css", 3},
		{"not modified", "GET", "If-Modified-Since", whole.Header.Get("Last-Modified"), 304, "", -2},
		{"range", "GET", "Range", "bytes=1-", 206, "ss", 2},
		{"two ranges", "GET", "Range", "bytes=0-0,2-2", 200, "css", 3},
		{"range beyond", "GET", "Range", "bytes=9-", 416, "invalid range: failed to overlap\n", -2},
	} {
		res, text := ask(c.method, c.header, c.value)
		if res.StatusCode != c.status || text != c.text || c.length != -2 && res.ContentLength != c.length {
			t.Errorf("%s: %d %q, length %d, want %d %q, %d", c.name, res.StatusCode, text, res.ContentLength, c.status, c.text, c.length)
		}
	}
}
