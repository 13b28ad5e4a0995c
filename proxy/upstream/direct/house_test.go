package direct_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"coatcheck/proxy/upstream/direct"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canned listens and answers each request of each connection with the text, told by the empty line alone: it costs next to nothing.
func canned(t testing.TB, answer string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go say(conn, []byte(answer))
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr()
}

func say(conn net.Conn, answer []byte) {
	defer conn.Close()
	request := make([]byte, 0, 16<<10)
	for {
		n, err := conn.Read(request[len(request):cap(request)])
		request = request[:len(request)+n]
		if err != nil {
			return
		}
		if bytes.HasSuffix(request, []byte("\r\n\r\n")) {
			request = request[:0]
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

func dial(to net.Addr) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, to.Network(), to.String())
	}
}

func open(t testing.TB, o direct.Options) *direct.Transport {
	t.Helper()
	o.IdleTimeout, o.MaxHeader, o.MaxInterim = time.Minute, 64<<10, 100
	if o.MaxIdle == 0 {
		o.MaxIdle = 100
	}
	c := direct.New(o)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// request is one as the proxy makes it.
func request(ctx context.Context) *http.Request {
	r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: "127.0.0.1:3000", Opaque: "/some/page", RawQuery: "q=1"}, Host: "app.example.com",
		Header: http.Header{"Accept": {"text/html,application/xhtml+xml"}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64)"}, "Cookie": {"a=1; b=2"},
			"Accept-Language": {"en"}, "Remote-User": {"alice"}, "Remote-Email": {"alice@example.com"}, "X-Forwarded-For": {"192.0.2.1"},
			"X-Forwarded-Host": {"app.example.com"}, "X-Forwarded-Proto": {"https"}, "X-Request-Id": {"7PNY34GFNILJISVL4SBM3DZVB4"}}}
	return r.WithContext(ctx)
}

const page = "HTTP/1.1 200 OK\r\nServer: test\r\nDate: Mon, 23 Nov 2026 20:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 20\r\n" +
	"Vary: Cookie\r\nSet-Cookie: a=1\r\n\r\n01234567890123456789"

func ask(t testing.TB, c http.RoundTripper, r *http.Request, buf []byte) {
	res, err := c.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = res.Body.Read(buf)
	}
	if err != io.EOF { //nolint:errorlint // nothing wraps it
		t.Fatal(err)
	}
	res.Body.Close()
}

// A request is to cost few allocations; the budget is a promise to whoever counts on it.
func TestAllocations(t *testing.T) {
	c := open(t, direct.Options{Dial: dial(canned(t, page)), HeaderTimeout: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, buf := request(ctx), make([]byte, 4<<10)
	if n := testing.AllocsPerRun(200, func() { ask(t, c, r, buf) }); n > 12 {
		t.Errorf("%v allocations for a request, want 12 at most", n)
	}
}

func TestIdleConnectionsAreBounded(t *testing.T) {
	var dialed []net.Conn
	to := canned(t, page)
	c := open(t, direct.Options{MaxIdle: 2, Dial: func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(to)(ctx)
		dialed = append(dialed, conn)
		return conn, err
	}})
	var answers []*http.Response
	for range 3 {
		res, err := c.RoundTrip(request(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, res)
	}
	for _, res := range answers {
		_, _ = io.ReadAll(res.Body)
	}
	open := slices.DeleteFunc(slices.Clone(dialed), func(conn net.Conn) bool { return conn.SetDeadline(time.Time{}) != nil })
	if len(dialed) != 3 || len(open) != 2 {
		t.Errorf("%d of %d connections are open, want two of three", len(open), len(dialed))
	}
	for range 3 { // the one used last is used first
		ask(t, c, request(t.Context()), make([]byte, 100))
	}
	c.CloseIdleConnections()
	for i, conn := range dialed {
		if conn.SetDeadline(time.Time{}) == nil {
			t.Errorf("connection %d is open after the end", i)
		}
	}
}

func TestBuffered(t *testing.T) {
	for answer, want := range map[string]int{
		page: 20, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nmy poison": 2, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n012": 3,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n": 0,
	} {
		c := open(t, direct.Options{Dial: dial(canned(t, answer))})
		res, err := c.RoundTrip(request(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		body := res.Body.(interface{ Buffered() int })
		if got := body.Buffered(); got != want {
			t.Errorf("%q: %d bytes, want %d", answer, got, want)
		}
		res.Body.Close()
		if got := body.Buffered(); got != 0 {
			t.Errorf("%q: %d bytes after its end", answer, got)
		}
	}
}

// Ended is called once for each answer, and for no error.
func TestEnded(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		read   bool
		want   int
	}{
		"to the end": {page, true, 1}, "closed": {page, false, 1}, "no body": {"HTTP/1.1 204 No Content\r\n\r\n", true, 1},
		"cut": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true, 1}, "no answer": {"SSH\r\n\r\n", false, 0},
	} {
		ended := 0
		client := open(t, direct.Options{Dial: dial(canned(t, c.answer)), Ended: func() { ended++ }})
		if res, err := client.RoundTrip(request(t.Context())); err == nil {
			if c.read {
				_, _ = io.ReadAll(res.Body)
			}
			res.Body.Close()
			res.Body.Close()
		}
		if ended != c.want {
			t.Errorf("%s: %d ends, want %d", name, ended, c.want)
		}
	}
}

func TestSuits(t *testing.T) {
	body := func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(bytes.NewReader([]byte("x"))), 1 }
	for name, change := range map[string]func(r *http.Request){
		"body": body, "body of unknown length": func(r *http.Request) { body(r); r.ContentLength = -1 },
		"body of length zero": func(r *http.Request) { body(r); r.ContentLength = 0 },
		"upgrade":             func(r *http.Request) { r.Header.Set("Upgrade", "websocket") },
		"connection":          func(r *http.Request) { r.Header.Set("Connection", "close") },
		"expect":              func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"trailer":             func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"close":               func(r *http.Request) { r.Close = true },
		"https":               func(r *http.Request) { r.URL.Scheme = "https" },
		"CONNECT":             func(r *http.Request) { r.Method = "CONNECT" },
		"evil method":         func(r *http.Request) { r.Method = "GET /\r\n" },
		"evil host":           func(r *http.Request) { r.Host = "a\r\nb" },
		"no URL":              func(r *http.Request) { r.URL = nil },
	} {
		r := request(t.Context())
		if !direct.Suits(r) {
			t.Fatal("a plain request does not suit")
		}
		if change(r); direct.Suits(r) {
			t.Errorf("%s: suits", name)
		}
	}
}

// BenchmarkRoundTrip compares with net/http's, beside it.
func BenchmarkRoundTrip(b *testing.B) {
	to := dial(canned(b, page))
	theirs := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 256, ResponseHeaderTimeout: time.Minute,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return to(ctx) }}
	defer theirs.CloseIdleConnections()
	for name, c := range map[string]http.RoundTripper{"direct": open(b, direct.Options{Dial: to, HeaderTimeout: time.Minute}), "net_http": theirs} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			r, buf := request(ctx), make([]byte, 32<<10)
			b.ReportAllocs()
			for b.Loop() {
				ask(b, c, r, buf)
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				r, buf := request(ctx), make([]byte, 32<<10)
				for pb.Next() {
					ask(b, c, r, buf)
				}
			})
		})
	}
}
