package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// PHP behind FastCGI gets a real REMOTE_USER, and nothing a client says can be mistaken for one.
func TestPHP(t *testing.T) {
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "style.css"), "body {}", 0o644)
	write(t, filepath.Join(root, "index.php.bak"), "SECRET", 0o644)
	write(t, filepath.Join(root, ".htaccess"), "SECRET", 0o644)
	script := []byte(`<?php header("Content-Type: application/json"); echo json_encode($_SERVER);`)
	if err := os.WriteFile(filepath.Join(root, "index.php"), script, 0o644); err != nil {
		t.Fatal(err)
	}
	fpm := testenv.PHPFPM(t, root)
	for name, upstream := range map[string]string{"TCP": fpm.URL, "unix socket": fpm.UnixURL} {
		t.Run(name, func(t *testing.T) {
			config := strings.NewReplacer("fcgi+unix:/run/php/php-fpm.sock", upstream, "/var/www/html", fpm.Root).Replace(guide(t, "php.md")["yaml"][0])
			p := serve(t, serveOptions{Config: "first_user: true\n" + config})
			v := newVisitor(t, p.URL)
			v.login("admin", p.firstPassword())
			res := v.do(v.request("GET", "/index.php/some/info?q=1", "", "Remote-User", "mallory", "Proxy", "evil", "Authorization", "Basic bWFsbG9yeTp4"))
			var server map[string]any
			if err := json.Unmarshal([]byte(res.Text), &server); err != nil {
				t.Fatalf("%s: %v\n%s", res.Status, err, res.Text)
			}
			for key, want := range map[string]any{"REMOTE_USER": "admin", "AUTH_TYPE": "form", "HTTP_REMOTE_USER": "admin", "PATH_INFO": "/some/info",
				"SCRIPT_NAME": "/index.php", "SCRIPT_FILENAME": root + "/index.php", "DOCUMENT_ROOT": root, "QUERY_STRING": "q=1", "HTTP_PROXY": nil, "PHP_AUTH_USER": nil, "REQUEST_URI": "/index.php/some/info?q=1"} {
				if server[key] != want {
					t.Errorf("$_SERVER[%s]: got %v, want %v", key, server[key], want)
				}
			}
			for path, want := range map[string]string{"/": `"SCRIPT_NAME":"\/index.php"`, "/style.css": "body {}"} {
				if res := v.get(path); res.StatusCode != http.StatusOK || !strings.Contains(res.Text, want) {
					t.Errorf("%s: %s %.300s, want %s", path, res.Status, res.Text, want)
				}
			}
			for _, path := range []string{"/index.php.bak", "/.htaccess", "/index.php%00", "/index.php%20", "/INDEX.PHP", "/vendor/autoload.php"} {
				if res := v.get(path); res.StatusCode < 400 || strings.Contains(res.Text, "SECRET") {
					t.Errorf("1.1.1 %s: %s %.300s", path, res.Status, res.Text)
				}
			}
		})
	}
}

func TestListOfUpstreams(t *testing.T) {
	member := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) }))
		t.Cleanup(s.Close)
		return s
	}
	a, b := member("a"), member("b")
	p := serve(t, serveOptions{Config: fmt.Sprintf("upstream: [%q, %q]\nroutes: [{path: /, access: public}]\nbalance: {policy: round_robin}\n", a.URL, b.URL)})
	v := newVisitor(t, p.URL)
	seen := map[string]int{}
	for range 10 {
		seen[v.get("/").Text]++
	}
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("ten requests: got %v, want five each", seen)
	}
	b.CloseClientConnections()
	b.Close()
	for range 10 {
		if res := v.get("/"); res.StatusCode != http.StatusOK || res.Text != "a" {
			t.Errorf("with one dead member: got %s %q, want 200 from a", res.Status, res.Text)
		}
	}
}

// An upstream that takes the request and never answers (F28).
func TestSilentUpstream_F28(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := serve(t, serveOptions{Config: fmt.Sprintf("upstream: http://%s\nroutes: [{path: /, access: public, timeout: 1s}]\n", l.Addr())})
	began := time.Now()
	if res := newVisitor(t, p.URL).get("/"); res.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %s after %s, want 504", res.Status, time.Since(began))
	}
}
