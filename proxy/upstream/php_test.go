package upstream_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/testenv"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/upstream"
)

// stderrLog is what PHP wrote to its standard error stream.
type stderrLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *stderrLog) add(_ context.Context, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(text)
}

func (l *stderrLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func phpRoot(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("testdata/php")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// php starts PHP-FPM for testdata/php.
func php(t testing.TB) *testenv.PHPSite { return testenv.PHPFPM(t, phpRoot(t)) }

// forwarded is a request as the proxy makes it: the path byte for byte in Opaque.
func forwarded(t testing.TB, method, target string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://upstream/", body)
	if err != nil {
		t.Fatal(err)
	}
	path, query, _ := strings.Cut(target, "?")
	r.URL = &url.URL{Scheme: "http", Host: "upstream", Opaque: path, RawQuery: query}
	r.Host, r.RemoteAddr = "app.example.com", "192.0.2.7:4711"
	return r
}

// do asks and reads the whole answer.
func do(t testing.TB, to http.RoundTripper, r *http.Request) (*http.Response, string, error) {
	t.Helper()
	res, err := to.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, string(body), err
}

// server asks server.php for $_SERVER.
func server(t *testing.T, to http.RoundTripper, r *http.Request) map[string]string {
	t.Helper()
	_, body, err := do(t, to, r)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	texts := map[string]string{}
	for name, value := range all {
		texts[name] = fmt.Sprint(value)
	}
	return texts
}

func TestPHPVariables(t *testing.T) {
	site := php(t)
	alice := func(ctx context.Context) string { return "ærlig " + facts.From(ctx).RequestID }
	u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root, User: alice}})
	r := forwarded(t, "GET", "/server.php/some/p%C3%A4th%2F?a=b&c=%20d", nil)
	r.Header = http.Header{"X-Thing": {"one", "two"}, "Cookie": {"a=1", "b=2"}, "Remote-User": {"mallory"}, "Content-Type": {"text/x"},
		"X_thing": {"alias"}, "x-thing": {"alias"}, "Proxy": {"http://evil"}, "Authorization": {"Basic bWFsbG9yeTp4"}, "X-Empty": {""}, "User-Agent": {""}}
	ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443}))
	ctx = facts.With(ctx, facts.Facts{Client: netip.MustParseAddr("203.0.113.9"), Secure: true, Host: "app.example.com", RequestID: "alice"})
	got := server(t, u, r.WithContext(ctx))
	for name, want := range map[string]string{
		"SCRIPT_NAME": "/server.php", "SCRIPT_FILENAME": site.Root + "/server.php", "PATH_INFO": "/some/päth/",
		"PATH_TRANSLATED": site.Root + "/some/päth/", "DOCUMENT_ROOT": site.Root, "REQUEST_URI": "/server.php/some/p%C3%A4th%2F?a=b&c=%20d",
		"QUERY_STRING": "a=b&c=%20d", "REQUEST_METHOD": "GET", "REMOTE_ADDR": "203.0.113.9", "REMOTE_PORT": "0", "HTTPS": "on",
		"SERVER_NAME": "app.example.com", "SERVER_PORT": "443", "SERVER_ADDR": "192.0.2.1", "SERVER_PROTOCOL": "HTTP/1.1",
		"GATEWAY_INTERFACE": "CGI/1.1", "HTTP_HOST": "app.example.com", "REMOTE_USER": "ærlig alice", "AUTH_TYPE": "form",
		"HTTP_X_THING": "one, two", "HTTP_COOKIE": "a=1; b=2", "HTTP_REMOTE_USER": "mallory", "CONTENT_TYPE": "text/x", "HTTP_X_EMPTY": "",
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s = %q (%v), want %q", name, value, ok, want)
		}
	}
	for _, name := range []string{"HTTP_PROXY", "HTTP_USER_AGENT", "HTTP_AUTHORIZATION", "PHP_AUTH_USER", "CONTENT_LENGTH", "HTTP_CONTENT_TYPE"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s = %q, want nothing", name, value)
		}
	}
}

// Without a user there is no REMOTE_USER, whatever the headers say (ASVS 4.1.3); and Basic credentials are the application's.
func TestPHPNobody_4_1_3(t *testing.T) {
	site := php(t)
	u := open(t, upstream.Options{URL: site.UnixURL, FastCGI: upstream.FastCGI{Root: site.Root}})
	r := forwarded(t, "GET", "/", nil)
	r.Header = http.Header{"Remote-User": {"mallory"}, "Remote_user": {"mallory"}, "REMOTE_USER": {"mallory"}, "Auth-Type": {"form"},
		"Authorization": {"Basic Ym9iOng="}, "Php-Value": {"auto_prepend_file=/etc/passwd"}}
	got := server(t, u, r)
	for _, name := range []string{"REMOTE_USER", "AUTH_TYPE", "HTTPS", "PATH_INFO"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s = %q, want nothing", name, value)
		}
	}
	for name, want := range map[string]string{"SCRIPT_NAME": "/index.php", "REQUEST_URI": "/", "PHP_AUTH_USER": "bob",
		"REMOTE_ADDR": "192.0.2.7", "REMOTE_PORT": "4711", "SERVER_PORT": "80"} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}

// What looks like a script and is none must not be run, whatever the spelling.
func TestPHPTricks(t *testing.T) {
	site := php(t)
	for name, f := range map[string]upstream.FastCGI{
		"plain": {Root: site.Root}, "fallback": {Root: site.Root, Fallback: "/index.php"}, "local": {Root: site.Root, Local: true},
	} {
		u := open(t, upstream.Options{URL: site.URL, FastCGI: f})
		for _, path := range []string{
			"/uploads/picture.jpg", "/uploads/picture.jpg/.php", "/uploads/picture.jpg/x.php", "/uploads/picture.jpg%00.php",
			"/uploads/picture.jpg%2Fx.php", "/uploads/picture.jpg%0a.php", "/sub/../uploads/picture.jpg", "/x/..%2fserver.php", "/./server.php",
			"/..\\server.php/x", "/server.php/../uploads/picture.jpg", "/%2e%2e/php/server.php", "/%zz.php", "*", "/uploads/picture.jpg/%2ephp",
		} {
			res, body, err := do(t, u, forwarded(t, "GET", path, nil))
			var refused *upstream.RefusedError
			switch {
			case strings.Contains(body, "EXECUTED"):
				t.Errorf("%s %s was run", name, path)
			case errors.As(err, &refused) && (refused.Status == 400 || refused.Status == 404):
			case err == nil && (res.StatusCode == 403 || res.StatusCode == 404):
			case err == nil && f.Fallback != "" && strings.Contains(body, `"SCRIPT_NAME":"\/index.php"`):
			default:
				t.Errorf("%s %s: %v %q, %v, want a refusal", name, path, res, body, err)
			}
		}
	}
}

// The one trick that a path does not show: cgi.fix_pathinfo (on by default) walks back from a script that is not there to a file that
// is, and a pool that may run every extension runs an uploaded picture. Local, which looks first, ends it.
func TestPHPFixPathinfo(t *testing.T) {
	site := testenv.PHPFPM(t, phpRoot(t), "security.limit_extensions =")
	for local, want := range map[bool]bool{false: true, true: false} {
		u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root, Local: local}})
		_, body, err := do(t, u, forwarded(t, "GET", "/uploads/picture.jpg/x.php", nil))
		if ran := strings.Contains(body, "EXECUTED"); ran != want {
			t.Errorf("local %v: %q, %v, want that it runs: %v", local, body, err, want)
		}
	}
}

func TestPHPScripts(t *testing.T) {
	site := php(t)
	for _, c := range []struct{ name, path, want string }{
		{"plain", "/sub/", "index of sub"}, {"plain", "//sub//", "index of sub"}, {"plain", "/sub", "404"}, {"plain", "/missing.php", "404"},
		{"fallback", "/sub/", `"SCRIPT_NAME":"\/index.php"`}, {"fallback", "/2024/hello", `"REQUEST_URI":"\/2024\/hello"`},
		{"local", "/sub/", "index of sub"}, {"local", "/missing/", "404"}, {"local", "/missing.php", "404"},
		{"local fallback", "/sub/", "index of sub"}, {"local fallback", "/2024/hello/", `"SCRIPT_NAME":"\/index.php"`},
		{"plain", "//server.php//x", `"SCRIPT_NAME":"\/server.php"`}, {"plain", "/server.php//x", `"PATH_INFO":"\/\/x"`},
	} {
		f := upstream.FastCGI{Root: site.Root + "/", Local: strings.Contains(c.name, "local")}
		if strings.Contains(c.name, "fallback") {
			f.Fallback = "/index.php"
		}
		u := open(t, upstream.Options{URL: site.URL, FastCGI: f})
		res, body, err := do(t, u, forwarded(t, "GET", c.path, nil))
		var refused *upstream.RefusedError
		if errors.As(err, &refused) {
			body = fmt.Sprint(refused.Status)
		} else if err != nil {
			t.Fatal(err)
		} else if res.StatusCode == 404 {
			body = "404"
		}
		if !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %q, want %q", c.name, c.path, body, c.want)
		}
	}
}

func TestPHPAnswers(t *testing.T) {
	site := php(t)
	var log stderrLog
	u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root, Stderr: log.add}})
	ask := func(kind string) (*http.Response, string) {
		t.Helper()
		res, body, err := do(t, u, forwarded(t, "GET", "/answer.php?kind="+kind, nil))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		return res, body
	}
	if res, body := ask("status"); res.StatusCode != 418 || body != "short and stout" {
		t.Errorf("status: %s %q", res.Status, body)
	}
	if res, _ := ask("redirect"); res.StatusCode != 302 || res.Header.Get("Location") != "/elsewhere" {
		t.Errorf("redirect: %s to %q", res.Status, res.Header.Get("Location"))
	}
	if res, _ := ask("cookies"); len(res.Header["Set-Cookie"]) != 2 || res.Header["Set-Cookie"][0] != "a=1" {
		t.Errorf("cookies: %q, want two in their order", res.Header["Set-Cookie"])
	}
	if res, body := ask("none"); res.StatusCode != 204 || body != "" {
		t.Errorf("none: %s %q", res.Status, body)
	}
	if _, body := ask("stderr"); body != "fine" || !strings.Contains(log.String(), "the cause is told to the log alone") {
		t.Errorf("stderr: body %q, log %q", body, log.String())
	}
	if res, body := ask("fatal"); res.StatusCode != 500 || body != "" || !strings.Contains(log.String(), "nobody_defined_this") {
		t.Errorf("fatal: %s, body %q, log %q", res.Status, body, log.String())
	}
	if res, body, err := do(t, u, forwarded(t, "HEAD", "/download.php?size=5&length=1", nil)); err != nil || body != "" || res.ContentLength != 5 {
		t.Errorf("HEAD: %d, %q, %v", res.ContentLength, body, err)
	}
}

func TestPHPUpload(t *testing.T) {
	site := php(t)
	file := make([]byte, 20<<20)
	_, _ = rand.Read(file)
	u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root}})

	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("note", "hello")
	part, _ := w.CreateFormFile("file", "big.bin")
	_, _ = part.Write(file)
	_ = w.Close()
	r := forwarded(t, "POST", "/upload.php", &form)
	r.Header.Set("Content-Type", w.FormDataContentType())
	if _, body, err := do(t, u, r); err != nil || body != fmt.Sprintf("file big.bin %d %x note hello", len(file), sha256.Sum256(file)) {
		t.Errorf("multipart: %q, %v", body, err)
	}

	small := file[:1<<20]
	chunked := func(content []byte) *http.Request {
		r := forwarded(t, "POST", "/upload.php", io.MultiReader(bytes.NewReader(content)))
		r.ContentLength = -1
		return r
	}
	if _, body, err := do(t, u, chunked(small)); err != nil || body != fmt.Sprintf("raw %d %x length %[1]d", len(small), sha256.Sum256(small)) {
		t.Errorf("chunked: %q, %v", body, err)
	}
	var refused *upstream.RefusedError
	if _, body, err := do(t, u, chunked(file[:1<<20+1])); !errors.As(err, &refused) || refused.Status != 411 {
		t.Errorf("chunked above the limit: %q, %v, want 411", body, err)
	}
}

func TestPHPDownload(t *testing.T) {
	site := php(t)
	for _, keep := range []bool{false, true} {
		u := open(t, upstream.Options{URL: site.UnixURL, FastCGI: upstream.FastCGI{Root: site.Root, KeepAlive: keep}})
		for _, query := range []string{"", "&length=1"} {
			const size = 100 << 20
			res, err := u.RoundTrip(forwarded(t, "GET", fmt.Sprintf("/download.php?size=%d%s", size, query), nil))
			if err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if n != size || err != nil {
				t.Errorf("keep %v %s: %d bytes, %v, want %d", keep, query, n, err, size)
			}
		}
	}
}

// An answer that ends early must not look whole.
func TestPHPTruncated_F28(t *testing.T) {
	site := php(t)
	u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root}})
	for target, want := range map[string]int{"/download.php?size=1000&length=1&lie=1": 1000, "/answer.php?kind=exit": len("half")} {
		if _, body, err := do(t, u, forwarded(t, "GET", target, nil)); err == nil || len(body) != want {
			t.Errorf("%s: %d bytes and %v, want %d and an error", target, len(body), err, want)
		}
	}
}

func TestPHPAbort(t *testing.T) {
	site := php(t)
	u := open(t, upstream.Options{URL: site.URL, FastCGI: upstream.FastCGI{Root: site.Root}})
	done := filepath.Join(t.TempDir(), "done")
	ctx, cancel := context.WithCancel(t.Context())
	res, err := u.RoundTrip(forwarded(t, "GET", "/stream.php?done="+url.QueryEscape(done), nil).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	for range 3 {
		if line, err := lines.ReadString('\n'); line != "tick\n" {
			t.Fatalf("%q, %v, want a tick at once", line, err)
		}
	}
	cancel()
	if _, err := io.Copy(io.Discard, lines); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v, want that it was canceled", err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(done); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the script has not noticed that its client is gone")
		}
	}
}

func TestPHPTimeouts_F28(t *testing.T) {
	site := php(t)
	u := open(t, upstream.Options{URL: site.URL, ResponseHeaderTimeout: 50 * time.Millisecond, StallTimeout: 50 * time.Millisecond,
		FastCGI: upstream.FastCGI{Root: site.Root}})
	for _, kind := range []string{"silent", "slow"} {
		_, _, err := do(t, u, forwarded(t, "GET", "/answer.php?kind="+kind, nil))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v, want a time-out", kind, err)
		}
	}
}

// More requests than workers, over kept connections that PHP-FPM ends under us.
func TestPHPKeepAlive(t *testing.T) {
	site := php(t)
	u := open(t, upstream.Options{URL: site.URL, MaxConns: 4, FastCGI: upstream.FastCGI{Root: site.Root, KeepAlive: true}})
	round := func() {
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				r := forwarded(t, "POST", fmt.Sprintf("/upload.php?%d", i), strings.NewReader("content"))
				if _, body, err := do(t, u, r); err != nil || !strings.HasPrefix(body, "raw 7 ") {
					t.Errorf("%q, %v", body, err)
				}
			})
		}
		all.Wait()
	}
	round()
	site.Stop()
	site.Start()
	round()
}
