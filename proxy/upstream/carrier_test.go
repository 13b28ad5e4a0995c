package upstream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/proxy/upstream"
)

// carriers runs a test with both that can carry a request without a body: ours and net/http's. What is not said to differ has to be
// the same.
func carriers(t *testing.T, test func(t *testing.T, c carrier)) {
	t.Helper()
	for _, c := range []carrier{{name: "direct"}, {name: "net_http", handOver: true}} {
		t.Run(c.name, func(t *testing.T) { test(t, c) })
	}
}

type carrier struct {
	name     string
	handOver bool
}

func (c carrier) open(t *testing.T, o upstream.Options) *upstream.Upstream {
	t.Helper()
	o.HandOver = c.handOver
	return open(t, o)
}

// repeats answers each request of a connection with the same text, in pieces where there is a pause.
func repeats(pieces ...string) func(net.Conn, int32) {
	return func(conn net.Conn, _ int32) {
		go func() {
			defer conn.Close()
			in := bufio.NewReader(conn)
			for {
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				for i, piece := range pieces {
					if i > 0 {
						time.Sleep(2 * time.Millisecond)
					}
					_, _ = io.WriteString(conn, piece)
				}
				if strings.Contains(pieces[0], "\r\nUntil: close") {
					return
				}
			}
		}()
	}
}

func TestAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name   string
		method string // GET
		pieces []string
		status string // 200 OK
		header string // as sorted lines
		body   string
		length int64
		fresh  bool // each request needs a connection of its own
		strict bool // ... with ours, as the answer is odd
	}{
		{name: "length", pieces: []string{ok + "Content-Length: 5\r\n\r\nhello"}, header: "Content-Length: 5", body: "hello", length: 5},
		{name: "length, in pieces", pieces: []string{"HT", "TP/1.1 200 O", "K\r", "\nContent-Length:", " 5\r\n", "\r", "\nhe", "llo"},
			header: "Content-Length: 5", body: "hello", length: 5},
		{name: "nothing", pieces: []string{ok + "Content-Length: 0\r\n\r\n"}, header: "Content-Length: 0"},
		{name: "no content", pieces: []string{"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"}, status: "204 No Content", header: "X: y"},
		{name: "not modified", pieces: []string{"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nEtag: a\r\n\r\n"},
			status: "304 Not Modified", header: "Content-Length: 99\nEtag: a"},
		{name: "no reason", pieces: []string{"HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n"}, status: "404 ", header: "Content-Length: 0"},
		{name: "neither reason nor space", pieces: []string{"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n"}, status: "404", header: "Content-Length: 0"},
		{name: "HEAD", method: "HEAD", pieces: []string{ok + "Content-Length: 5\r\n\r\n"}, header: "Content-Length: 5", length: 5},
		{name: "HEAD of chunks", method: "HEAD", pieces: []string{ok + "Transfer-Encoding: chunked\r\n\r\n"}, length: -1},
		{name: "HEAD of no length", method: "HEAD", pieces: []string{ok + "\r\n"}, length: -1},
		{name: "chunks", pieces: []string{ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"}, body: "hello, world", length: -1},
		{name: "chunks, in pieces", pieces: []string{ok + "Transfer-Encoding: Chunked\r\n\r\n", "5\r\nhel", "lo\r\n7\r", "\n, world\r\n0", "\r\n", "\r\n"},
			body: "hello, world", length: -1},
		{name: "chunk extension", pieces: []string{ok + "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"}, body: "hello", length: -1},
		{name: "until the end", pieces: []string{ok + "Until: close\r\n\r\nhello"}, header: "Until: close", body: "hello", length: -1, fresh: true},
		{name: "Connection: close", pieces: []string{ok + "Connection: close\r\nContent-Length: 5\r\n\r\nhello"}, header: "Content-Length: 5", body: "hello",
			length: 5, fresh: true},
		{name: "close among others", pieces: []string{ok + "Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello"}, header: "Content-Length: 5", body: "hello",
			length: 5, fresh: true},
		{name: "Connection: keep-alive", pieces: []string{ok + "Connection: keep-alive\r\nContent-Length: 1\r\n\r\nx"},
			header: "Connection: keep-alive\nContent-Length: 1", body: "x", length: 1},
		{name: "names and values", pieces: []string{ok + "set-cookie: a=1\r\ncontent-length: 0\r\nX-a_B: \t v  w \t\r\nSET-COOKIE: b=2\r\nEmpty:\r\nSet-Cookie: \xff\r\n\r\n"},
			header: "Content-Length: 0\nEmpty: \nSet-Cookie: a=1\nSet-Cookie: b=2\nSet-Cookie: \xff\nX-A_b: v  w"},
		{name: "many names", pieces: []string{ok + manyFields(100) + "Content-Length: 0\r\n\r\n"}, header: "Content-Length: 0\n" + strings.TrimSuffix(strings.ReplaceAll(manyFields(100), "\r\n", "\n"), "\n")},
		{name: "long header", pieces: []string{ok + "Content-Length: 1\r\nX: " + strings.Repeat("x", 30_000), strings.Repeat("y", 10_000) + "\r", "\n\r", "\nz"},
			header: "Content-Length: 1\nX: " + strings.Repeat("x", 30_000) + strings.Repeat("y", 10_000), body: "z", length: 1},
		{name: "Pragma", pieces: []string{ok + "Pragma: no-cache\r\nContent-Length: 0\r\n\r\n"}, header: "Cache-Control: no-cache\nContent-Length: 0\nPragma: no-cache"},
		{name: "interim", pieces: []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: <b>\r\n\r\n" + ok + "Content-Length: 5\r\n\r\nhello"},
			header: "Content-Length: 5", body: "hello", length: 5},

		{name: "more than its length", pieces: []string{ok + "Content-Length: 5\r\n\r\nhello, world"}, header: "Content-Length: 5", body: "hello", length: 5, fresh: true},
		{name: "more than its chunks", pieces: []string{ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nx"}, body: "hello", length: -1, fresh: true},
		{name: "more than nothing", pieces: []string{"HTTP/1.1 204 No Content\r\n\r\nhello"}, status: "204 No Content", fresh: true},
		{name: "two answers at once", pieces: []string{ok + "Content-Length: 2\r\n\r\nmy" + ok + "Content-Length: 6\r\n\r\npoison"}, header: "Content-Length: 2",
			body: "my", length: 2, fresh: true},
		{name: "two answers to HEAD", method: "HEAD", pieces: []string{ok + "Content-Length: 100\r\n\r\n" + ok + "Content-Length: 6\r\n\r\npoison"},
			header: "Content-Length: 100", length: 100, fresh: true},

		{name: "folded", pieces: []string{ok + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n"}, header: "Content-Length: 0\nX: a b", strict: true},
		{name: "LF alone", pieces: []string{"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"}, header: "Content-Length: 1", body: "x", length: 1, strict: true},
		{name: "HTTP/1.0", pieces: []string{"HTTP/1.0 200 OK\r\nUntil: close\r\nContent-Length: 1\r\n\r\nx"}, header: "Content-Length: 1\nUntil: close", body: "x", length: 1, fresh: true},
		{name: "HTTP/1.0 keep-alive", pieces: []string{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx"},
			header: "Connection: keep-alive\nContent-Length: 1", body: "x", length: 1, strict: true},
		{name: "chunks and a length", pieces: []string{ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}, body: "hello", length: -1, strict: true},
		{name: "a length twice", pieces: []string{ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"}, header: "Content-Length: 1", body: "x", length: 1, strict: true},
		{name: "no content of a length", pieces: []string{"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"}, status: "204 No Content", header: "Content-Length: 5", strict: true},
		{name: "odd interim", pieces: []string{"HTTP/1.1 103 Early Hints\nLink: <a>\n\n" + ok + "Content-Length: 1\r\n\r\nx"}, header: "Content-Length: 1", body: "x", length: 1, strict: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				addr, connections := rogue(t, repeats(c.pieces...))
				u := by.open(t, upstream.Options{URL: "http://" + addr, ResponseHeaderTimeout: 10 * time.Second})
				for range 2 {
					r := forwarded(t, cmpOr(c.method, "GET"), "/", nil)
					res, body, err := do(t, u, r)
					if err != nil {
						t.Fatal(err)
					}
					if got := fieldLines(res.Header); res.Status != cmpOr(c.status, "200 OK") || got != c.header || body != c.body || res.ContentLength != c.length {
						t.Errorf("got %q, length %d, body %q, header\n%s\nwant length %d, body %q, header\n%s", res.Status, res.ContentLength, body, got, c.length, c.body, c.header)
					}
					if res.Request != r {
						t.Errorf("the answer's request is %p, want %p", res.Request, r)
					}
					time.Sleep(5 * time.Millisecond) // what the upstream still says arrives
				}
				want := int32(1)
				if c.fresh || c.strict && !by.handOver {
					want = 2
				}
				if n := connections.Load(); n != want {
					t.Errorf("%d connections for two requests, want %d", n, want)
				}
			})
		})
	}
}

func cmpOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "X-%03d: %d\r\n", i, i)
	}
	return b.String()
}

func fieldLines(h http.Header) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			lines = append(lines, name+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

func TestTrailers(t *testing.T) {
	for name, c := range map[string]struct {
		answer, before, after string
		fails                 bool
	}{
		"announced":   {"Trailer: X-Sum, , x-other\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", "X-Other X-Sum", "X-Sum: 1", false},
		"unannounced": {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n", "", "X-Sum: 1\nX-Sum: 2", false},
		"forbidden":   {"Trailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "", "", true},
		"cut":         {"Until: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n", "", "", true},
		"cut early":   {"Until: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r", "", "", true},
		"malformed":   {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX Sum\r\n\r\n", "", "", true},
		"too long":    {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: " + strings.Repeat("x", 5000) + "\r\n\r\n", "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				addr, connections := rogue(t, repeats("HTTP/1.1 200 OK\r\n"+c.answer))
				u := by.open(t, upstream.Options{URL: "http://" + addr})
				for range 2 {
					res, err := u.RoundTrip(forwarded(t, "GET", "/", nil))
					if err != nil {
						if !c.fails {
							t.Fatal(err)
						}
						continue
					}
					before := strings.Join(slices.Sorted(maps.Keys(res.Trailer)), " ")
					body, err := io.ReadAll(res.Body)
					res.Body.Close()
					if (err != nil) != c.fails {
						t.Errorf("%q, %v, want an error: %v", body, err, c.fails)
					}
					if got := fieldLines(res.Trailer); !c.fails && (before != c.before || got != c.after || string(body) != "a" || len(res.Header) != 0) {
						t.Errorf("announced %q, got %q, body %q, header %v, want %q and %q", before, got, body, res.Header, c.before, c.after)
					}
				}
				if n := connections.Load(); !c.fails && n != 1 {
					t.Errorf("%d connections, want one", n)
				}
			})
		})
	}
}

// What goes over the wire must be the same, whoever carries it.
func TestRequestsOnTheWire(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"plain": func(*http.Request) {},
		"header": func(r *http.Request) {
			r.Header = http.Header{"X-A": {"1", "2"}, "Cookie": {"a=b"}, "Empty": {""}, "None": {}}
		},
		"user agent":    func(r *http.Request) { r.Header["User-Agent"] = []string{"me"} },
		"path":          func(r *http.Request) { r.URL.Opaque, r.URL.RawQuery = "/a%2Fb;c/%zz/\xc3\xa9", "x=%20&y" },
		"empty query":   func(r *http.Request) { r.URL.ForceQuery = true },
		"two slashes":   func(r *http.Request) { r.URL.Opaque, r.URL.Path = "", "//a/b" },
		"escaped":       func(r *http.Request) { r.URL.Opaque, r.URL.Path, r.URL.RawPath = "", "/a/b", "/a%2fb" },
		"no host":       func(r *http.Request) { r.Host = "" },
		"address":       func(r *http.Request) { r.Host = "[2001:db8::1]:8080" },
		"zone":          func(r *http.Request) { r.Host = "[fe80::1%25eth0]:8080" },
		"international": func(r *http.Request) { r.Host = "bücher.example" },
		"evil host":     func(r *http.Request) { r.Host = "a b\r\nX: y" },
		"POST":          func(r *http.Request) { r.Method = "POST" },
		"DELETE":        func(r *http.Request) { r.Method = "DELETE" },
		"OPTIONS":       func(r *http.Request) { r.Method = "OPTIONS" },
		"PROPFIND":      func(r *http.Request) { r.Method = "PROPFIND" },
		"no method":     func(r *http.Request) { r.Method = "" },
		"framing as header": func(r *http.Request) {
			r.Header = http.Header{"Content-Length": {"5"}, "Transfer-Encoding": {"chunked"}, "Host": {"other"}}
		},
		"close": func(r *http.Request) { r.Close = true },
		"TE":    func(r *http.Request) { r.Header.Set("Te", "trailers") },
		"body": func(r *http.Request) {
			r.Method, r.Body, r.ContentLength = "PUT", io.NopCloser(strings.NewReader("abc")), 3
		},
		"NoBody": func(r *http.Request) { r.Body = http.NoBody },
	} {
		t.Run(name, func(t *testing.T) {
			var wire [2]string
			carriers(t, func(t *testing.T, by carrier) {
				seen := make(chan string, 1)
				addr, _ := rogue(t, func(conn net.Conn, _ int32) {
					defer conn.Close()
					seen <- readWire(conn)
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				})
				r := forwarded(t, "GET", "/", nil)
				r.Header.Set("User-Agent", "")
				change(r)
				if _, ok := r.Header["User-Agent"]; !ok {
					r.Header["User-Agent"] = []string{""}
				}
				before := fmt.Sprint(r.Header)
				if _, _, err := do(t, by.open(t, upstream.Options{URL: "http://" + addr}), r); err != nil {
					t.Fatal(err)
				}
				if after := fmt.Sprint(r.Header); after != before {
					t.Errorf("the request's header was %s, now it is %s", before, after)
				}
				wire[btoi(by.handOver)] = <-seen
			})
			if wire[0] != wire[1] {
				t.Errorf("direct\n%s\nnet/http\n%s", wire[0], wire[1])
			}
		})
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readWire gives a request with its fields in order.
func readWire(conn net.Conn) string {
	in := textproto.NewReader(bufio.NewReader(conn))
	first, _ := in.ReadLine()
	var lines []string
	for {
		line, err := in.ReadLine()
		if err != nil || line == "" {
			slices.Sort(lines)
			return first + "\n" + strings.Join(lines, "\n")
		}
		lines = append(lines, line)
	}
}

// Nothing that could be read as a second request is sent (R1).
func TestRequestsThatSplit_R1(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"value with CR LF": func(r *http.Request) { r.Header.Set("X-A", "a\r\nX-B: c") },
		"value with LF":    func(r *http.Request) { r.Header.Set("X-A", "a\nb") },
		"value with NUL":   func(r *http.Request) { r.Header.Set("X-A", "a\x00b") },
		"name with LF":     func(r *http.Request) { r.Header["X-A\r\nX-B"] = []string{"a"} },
		"name with colon":  func(r *http.Request) { r.Header["X-A: b\r\nX-B"] = []string{"a"} },
		"empty name":       func(r *http.Request) { r.Header[""] = []string{"a"} },
		"path with LF":     func(r *http.Request) { r.URL.Opaque = "/a\r\nX: b" },
		"query with CR":    func(r *http.Request) { r.URL.RawQuery = "a\rb" },
		"method":           func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\n\r\nGET" },
		"no URL's host":    func(r *http.Request) { r.URL.Host = "" },
		"no URL":           func(r *http.Request) { r.URL = nil },
		"no header":        func(r *http.Request) { r.Header = nil },
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				var said atomic.Int64
				addr, _ := rogue(t, func(conn net.Conn, _ int32) {
					defer conn.Close()
					n, _ := io.Copy(io.Discard, conn)
					said.Add(n)
				})
				u := by.open(t, upstream.Options{URL: "http://" + addr})
				r := forwarded(t, "GET", "/", nil)
				change(r)
				if _, _, err := do(t, u, r); err == nil || said.Load() > 0 {
					t.Errorf("%v, and %d bytes were sent, want an error and none", err, said.Load())
				}
			})
		})
	}
}

func TestInterimAnswersArePassedOn(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		hint := "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nX: " + strings.Repeat("x", 20_000) + "\r\n\r\n"
		addr, _ := rogue(t, repeats(strings.Repeat(hint, 10)+"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		u := by.open(t, upstream.Options{URL: "http://" + addr})
		var hints, firsts int
		errNo := errors.New("no more")
		for _, stop := range []error{nil, errNo} {
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
					if code == 103 && h.Get("Link") == "<a>" {
						hints++
					}
					return stop
				},
				GotFirstResponseByte: func() { firsts++ },
			})
			res, _, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx))
			if !errors.Is(err, stop) || stop == nil && res.StatusCode != 200 {
				t.Errorf("%v, %v, want %v", res, err, stop)
			}
		}
		if hints != 11 || firsts != 2 {
			t.Errorf("%d hints, %d first bytes, want eleven and two", hints, firsts)
		}
		if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err == nil {
			t.Error("200 kB of hints that nobody asked for were taken")
		}
	})
}

// Whatever the phase, the end of a request's context ends the request, says why, and gives its place back.
func TestCancel(t *testing.T) {
	why := errors.New("the session ended")
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	for name, answer := range map[string]string{
		"before the answer": "", "in the status line": "HTTP/1.1 20", "in the header": "HTTP/1.1 200 OK\r\nX: ", "after an interim": "HTTP/1.1 103 Early Hints\r\n\r\n",
		"before the body": head, "in the body": head + "hello", "in a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
		"between chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "in a trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX",
		"in a body until the end": "HTTP/1.1 200 OK\r\n\r\nhello", "in an odd body": "HTTP/1.0 200 OK\r\n\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				said := make(chan struct{}, 1)
				addr, connections := rogue(t, func(conn net.Conn, number int32) {
					if number > 1 {
						repeats("HTTP/1.1 204 No Content\r\n\r\n")(conn, number)
						return
					}
					go func() {
						defer conn.Close()
						_, _ = http.ReadRequest(bufio.NewReader(conn))
						_, _ = io.WriteString(conn, answer)
						said <- struct{}{}
						_, _ = io.Copy(io.Discard, conn)
					}()
				})
				u := by.open(t, upstream.Options{URL: "http://" + addr, MaxConns: 1, QueueTimeout: time.Millisecond})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				go func() {
					<-said
					time.Sleep(2 * time.Millisecond)
					cancel(why)
				}()
				if _, body, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx)); !errors.Is(err, why) {
					t.Errorf("%q, %v, want %v", body, err, why)
				}
				if res, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err != nil || res.StatusCode != 204 {
					t.Errorf("the next request: %v, %v", res, err)
				}
				if n := connections.Load(); n != 2 {
					t.Errorf("%d connections, want that the first is not used again", n)
				}
			})
		})
	}
	t.Run("before it began", func(t *testing.T) {
		carriers(t, func(t *testing.T, by carrier) {
			addr, connections := rogue(t, repeats("HTTP/1.1 204 No Content\r\n\r\n"))
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(why)
			_, _, err := do(t, by.open(t, upstream.Options{URL: "http://" + addr}), forwarded(t, "GET", "/", nil).WithContext(ctx))
			if !errors.Is(err, why) || connections.Load() != 0 {
				t.Errorf("%v, %d connections, want %v and none", err, connections.Load(), why)
			}
		})
	})
	t.Run("while it connects", func(t *testing.T) {
		carriers(t, func(t *testing.T, by carrier) {
			ctx, cancel := context.WithCancelCause(t.Context())
			u := by.open(t, upstream.Options{URL: "http://nowhere"})
			u.SetDialContext(func(ctx context.Context) (net.Conn, error) {
				cancel(why)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			if _, _, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx)); !errors.Is(err, why) {
				t.Errorf("%v, want %v", err, why)
			}
		})
	})
	t.Run("after it ended", func(t *testing.T) {
		carriers(t, func(t *testing.T, by carrier) {
			addr, connections := rogue(t, repeats("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"))
			u := by.open(t, upstream.Options{URL: "http://" + addr})
			for range 10 {
				ctx, cancel := context.WithCancel(t.Context())
				if _, body, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx)); body != "hello" || err != nil {
					t.Errorf("%q, %v", body, err)
				}
				cancel()
			}
			if n := connections.Load(); n != 1 {
				t.Errorf("%d connections, want one", n)
			}
		})
	})
}

// silent is an upstream over pipes, for the time of a test's bubble: it says a text at once to each request and then nothing.
func silent(t *testing.T, by carrier, o upstream.Options, text string) (u *upstream.Upstream, connections *atomic.Int32) {
	o.URL = "http://silent"
	u = by.open(t, o)
	connections = new(atomic.Int32)
	u.SetDialer(func() (net.Conn, error) {
		near, far := net.Pipe()
		connections.Add(1)
		go func() {
			defer far.Close()
			in := bufio.NewReader(far)
			for {
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(far, text)
			}
		}()
		return near, nil
	})
	return u, connections
}

func TestTimeouts_F28(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
	for name, c := range map[string]struct {
		header, stall time.Duration
		text, body    string
		want          time.Duration // 0: none, and the test's own is met
	}{
		"header":                  {time.Minute, 0, "", "", time.Minute},
		"header, begun":           {time.Minute, 0, "HTTP/1.1 200 OK\r\nX:", "", time.Minute},
		"header, interim":         {time.Minute, 0, "HTTP/1.1 103 Early Hints\r\n\r\n", "", time.Minute},
		"header is not the body":  {time.Minute, 0, ok + "hello", "hello", 0},
		"body":                    {time.Minute, time.Second, ok + "hello", "hello", time.Second},
		"body, nothing of it":     {time.Minute, time.Second, ok, "", time.Second},
		"body, no header timeout": {0, time.Second, ok + "hello", "hello", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				synctest.Test(t, func(t *testing.T) {
					u, _ := silent(t, by, upstream.Options{ResponseHeaderTimeout: c.header, StallTimeout: c.stall, IdleTimeout: time.Hour}, c.text)
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					began := time.Now()
					_, body, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx))
					var timeout net.Error
					if took := time.Since(began); body != c.body || !errors.As(err, &timeout) || !timeout.Timeout() || c.want > 0 && took != c.want || c.want == 0 && took != time.Hour {
						t.Errorf("%q, after %v: %v, want a time-out after %v", body, took, err, c.want)
					}
					u.Close()
				})
			})
		})
	}
}

// A kept connection on which nothing comes in time is slow, not stale: the request is not sent again.
func TestTimeoutIsNotRepeated_F28(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			u := by.open(t, upstream.Options{URL: "http://once", ResponseHeaderTimeout: time.Minute, IdleTimeout: time.Hour})
			u.SetDialer(func() (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					defer far.Close()
					in := bufio.NewReader(far)
					for {
						if _, err := http.ReadRequest(in); err != nil {
							return
						}
						if asked.Add(1) == 1 {
							_, _ = io.WriteString(far, "HTTP/1.1 204 No Content\r\n\r\n")
						}
					}
				}()
				return near, nil
			})
			if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Minute) // the deadline of the first request is long past
			began := time.Now()
			if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err == nil || time.Since(began) != time.Minute || asked.Load() != 2 {
				t.Errorf("%v after %v, asked %d times, want a time-out after a minute, and twice", err, time.Since(began), asked.Load())
			}
			u.Close()
		})
	})
}

func TestIdleTimeout(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		synctest.Test(t, func(t *testing.T) {
			u, connections := silent(t, by, upstream.Options{IdleTimeout: time.Minute}, "HTTP/1.1 204 No Content\r\n\r\n")
			for i, pause := range []time.Duration{0, 59 * time.Second, 59 * time.Second, 61 * time.Second, time.Hour} {
				time.Sleep(pause)
				if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err != nil {
					t.Fatal(err)
				}
				if want := []int32{1, 1, 1, 2, 3}[i]; connections.Load() != want {
					t.Errorf("request %d: %d connections, want %d", i, connections.Load(), want)
				}
			}
			u.Close()
		})
	})
}

// A kept connection that has ended, or on which something was said meanwhile, is not used: also a POST gets through.
func TestKeptConnections_F28(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, after := range map[string]func(conn net.Conn){
		"closed":      func(conn net.Conn) { conn.Close() },
		"half-closed": func(conn net.Conn) { _ = conn.(*net.TCPConn).CloseWrite() },
		"reset":       reset,
		"answers":     func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison") },
		"408": func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		},
		"one byte": func(conn net.Conn) { _, _ = io.WriteString(conn, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				addr, connections := rogue(t, func(conn net.Conn, number int32) {
					if number > 1 {
						repeats(ok)(conn, number)
						return
					}
					t.Cleanup(func() { conn.Close() })
					_, _ = http.ReadRequest(bufio.NewReader(conn))
					_, _ = io.WriteString(conn, ok)
					time.Sleep(5 * time.Millisecond)
					after(conn)
				})
				u := by.open(t, upstream.Options{URL: "http://" + addr})
				for _, method := range []string{"GET", "POST", "POST"} {
					if _, body, err := do(t, u, forwarded(t, method, "/", nil)); body != "ok" || err != nil {
						t.Errorf("%s: %q, %v", method, body, err)
					}
					time.Sleep(20 * time.Millisecond)
				}
				if n := connections.Load(); n != 2 {
					t.Errorf("%d connections, want two", n)
				}
			})
		})
	}
}

func TestEarlyClose(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		addr, connections := rogue(t, func(conn net.Conn, number int32) {
			if number > 1 {
				repeats("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")(conn, number)
				return
			}
			t.Cleanup(func() { conn.Close() })
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
		})
		u := by.open(t, upstream.Options{URL: "http://" + addr, MaxConns: 1, QueueTimeout: time.Millisecond})
		res, err := u.RoundTrip(forwarded(t, "GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(res.Body, make([]byte, 5))
		waiting := make(chan error)
		go func() { _, err := res.Body.Read(make([]byte, 5)); waiting <- err }()
		time.Sleep(2 * time.Millisecond)
		res.Body.Close()
		if err := <-waiting; err == nil {
			t.Error("a read that waited went on after Close")
		}
		if n, err := res.Body.Read(make([]byte, 5)); n != 0 || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%d, %v after Close", n, err)
		}
		if _, body, err := do(t, u, forwarded(t, "GET", "/", nil)); body != "hello" || err != nil {
			t.Errorf("the next: %q, %v", body, err)
		}
		if n := connections.Load(); n != 2 {
			t.Errorf("%d connections, want two", n)
		}
	})
}
