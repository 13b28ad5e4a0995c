package upstream_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"testing"

	"coatcheck/proxy/upstream"
)

func unixListener(t testing.TB) (net.Listener, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return l, path
}

// BenchmarkRoundTrip compares the kinds with a bare http.Transport; the application, in the same process, is in all the numbers.
func BenchmarkRoundTrip(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	tcp := httptest.NewServer(h)
	defer tcp.Close()
	l, path := unixListener(b)
	socket := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	socket.Start()
	defer socket.Close()
	cgi, cgiPath := unixListener(b)
	go fcgi.Serve(cgi, h) //nolint:errcheck // ends with its listener
	defer cgi.Close()
	bare := &http.Transport{DisableCompression: true}
	defer bare.CloseIdleConnections()

	kinds := map[string]http.RoundTripper{"bare transport": bare}
	for name, o := range map[string]upstream.Options{
		"http": {URL: tcp.URL}, "unix": {URL: "unix:" + path}, "h2c": {URL: h2cServer(b, h)},
		"fcgi":            {URL: "fcgi+unix:" + cgiPath, FastCGI: upstream.FastCGI{Root: "/srv"}},
		"fcgi keep-alive": {URL: "fcgi+unix:" + cgiPath, FastCGI: upstream.FastCGI{Root: "/srv", KeepAlive: true}},
	} {
		u, err := upstream.New(o)
		if err != nil {
			b.Fatal(err)
		}
		defer u.Close()
		kinds[name] = u
	}
	kinds["list"] = balance(b, upstream.BalancerOptions{}, tcp.URL, tcp.URL)
	for name, kind := range kinds {
		b.Run(name, func(b *testing.B) {
			r := forwarded(b, "GET", "/index.php", nil)
			r.URL.Host = tcp.Listener.Addr().String()
			r.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}, "X-Request-Id": {"1"}, "Cookie": {"a=1"}}
			b.ReportAllocs()
			for b.Loop() {
				res, err := kind.RoundTrip(r)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// BenchmarkDownload reads a large answer through PHP-FPM.
func BenchmarkDownload(b *testing.B) {
	site := php(b)
	u, err := upstream.New(upstream.Options{URL: site.UnixURL, FastCGI: upstream.FastCGI{Root: site.Root}})
	if err != nil {
		b.Fatal(err)
	}
	const size = 64 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		res, err := u.RoundTrip(forwarded(b, "GET", fmt.Sprintf("/download.php?size=%d", size), nil))
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
		res.Body.Close()
	}
}

// TestMemoryPerConnection writes down what an open answer (a long poll, server-sent events) costs on our side. The application is a
// socket that says one header and nothing more; what its end costs in this process is in the number.
func TestMemoryPerConnection(t *testing.T) {
	const open = 500
	for name, c := range map[string]struct{ url, answer string }{
		"http": {"http://", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"},
		"fcgi": {"fcgi://", "\x01\x06\x00\x01\x00\x08\x00\x00A: b\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			held := make(chan net.Conn, open)
			addr, _ := rogue(t, func(conn net.Conn, _ int32) {
				_, _ = conn.Read(make([]byte, 4<<10)) // the request
				held <- conn
				_, _ = io.WriteString(conn, c.answer)
			})
			u, err := upstream.New(upstream.Options{URL: c.url + addr, FastCGI: upstream.FastCGI{Root: "/srv"}})
			if err != nil {
				t.Fatal(err)
			}
			var answers []*http.Response
			before := memory()
			for range open {
				res, err := u.RoundTrip(forwarded(t, "GET", "/index.php", nil))
				if err != nil {
					t.Fatal(err)
				}
				answers = append(answers, res)
			}
			per := (memory() - before) / open
			t.Logf("%s: %d bytes for each open answer", name, per)
			if per > 64<<10 {
				t.Errorf("%d bytes for each open answer, want less than 64 KiB", per)
			}
			for _, res := range answers {
				res.Body.Close()
				(<-held).Close()
			}
		})
	}
}

// memory is what heap and stacks hold.
func memory() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc + stats.StackInuse)
}
