package lane

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var dateValue = regexp.MustCompile(`(?m)^Date: [^\r\n]*`)

// read takes the answers apart: heads byte for byte, bodies however they are cut into chunks.
func read(methods []string, text string) string {
	var b strings.Builder
	for text = dateValue.ReplaceAllString(text, "Date:"); text != ""; {
		head, _, _ := strings.Cut(text, "\r\n\r\n")
		in := bufio.NewReader(strings.NewReader(text))
		method := http.MethodGet
		if len(methods) > 0 {
			method = methods[0]
		}
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return b.String() + fmt.Sprintf("no answer: %v in %q", err, text)
		}
		body, err := io.ReadAll(res.Body)
		fmt.Fprintf(&b, "%s\n%q %v\n%v\n", head, body, err, res.Trailer)
		rest, _ := io.ReadAll(in)
		text = string(rest)
		if res.StatusCode >= 200 && len(methods) > 0 {
			methods = methods[1:]
		}
	}
	return b.String()
}

// A client must not be able to tell whether the lane or net/http answers it.
func TestAnswersAreNetHTTPs(t *testing.T) {
	large := strings.Repeat("0123456789", 1000)
	for name, handler := range map[string]http.HandlerFunc{
		"nothing":           func(http.ResponseWriter, *http.Request) {},
		"a text":            func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
		"HTML by its looks": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!DOCTYPE html><p>") },
		"in two parts": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<ht")
			_, _ = io.WriteString(w, "ml>")
		},
		"two parts of length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "6")
			_, _ = io.WriteString(w, "<ht")
			_, _ = io.WriteString(w, "ml>")
		},
		"2048": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large[:2048]) },
		"2049": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large[:2049]) },
		"2000 and 100": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, large[:2000])
			_, _ = io.WriteString(w, large[:100])
		},
		"large": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, large) },
		"larger": func(w http.ResponseWriter, _ *http.Request) {
			for range 30 {
				_, _ = io.WriteString(w, large)
			}
		},
		"large of length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10000")
			_, _ = io.WriteString(w, large)
		},
		"type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "x/y")
			_, _ = io.WriteString(w, "<html>")
		},
		"no type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "<html>")
		},
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "<html>")
		},
		"own date":       func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Date", "today") },
		"no date":        func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
		"404":            func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = io.WriteString(w, "gone") },
		"unknown status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799) },
		"204": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(204)
			_, _ = io.WriteString(w, "x")
		},
		"304": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "x/y")
			w.Header().Set("Etag", "e")
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(304)
		},
		"status twice": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); w.WriteHeader(500) },
		"header too late": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			w.Header().Set("X-Late", "1")
			_, _ = io.WriteString(w, "x")
		},
		"odd fields": func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h["x-lower"], h["X-Two"], h["X-None"] = []string{"1"}, []string{"b", "a"}, nil
			h["X-Blanks"], h["X-Lines"], h["X Bad"], h["X:Bad"], h[""] = []string{" v\t"}, []string{"a\r\nX-Injected: 1"}, []string{"1"}, []string{"1"}, []string{"1"}
			h["X!#$%&'*+-.^_`|~"] = []string{"ok"}
		},
		"closes": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = io.WriteString(w, "x")
		},
		"closes and more": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "X-A, close")
			_, _ = io.WriteString(w, "x")
		},
		"keep-alive": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "keep-alive")
			_, _ = io.WriteString(w, "x")
		},
		"too little": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "x")
		},
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "x")
			_, _ = io.WriteString(w, "yz")
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "b")
		},
		"flushed at once": func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "<html>")
		},
		"flushed of length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1")
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, "<")
		},
		"interim": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x>")
			w.Header().Set("Content-Length", "1")
			w.WriteHeader(103)
			w.WriteHeader(103)
			_, _ = io.WriteString(w, "x")
		},
		"trailers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-A, X-B, Content-Length")
			_, _ = io.WriteString(w, "x")
			w.Header().Set("X-A", "1")
			w.Header().Set("Content-Length", "1")
			w.Header().Set(http.TrailerPrefix+"X-C", "3")
		},
		"trailers nobody was told of": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-C", "3")
		},
		"panics": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"panics in it": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			panic("so")
		},
		"deadlines": func(w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			_ = c.SetWriteDeadline(time.Now().Add(time.Minute))
			_ = c.SetReadDeadline(time.Time{})
			_ = c.EnableFullDuplex()
		},
		"nothing after it": func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			fmt.Fprint(w, err, r.ContentLength, r.Close, r.Proto)
		},
		"an early deadline": func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
			_, _ = io.WriteString(w, "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			lane, nethttp := newRig(t, true, handler), newRig(t, false, handler)
			for _, request := range []string{lastGet("/"), plainGet("/") + lastGet("/"), "HEAD / HTTP/1.1\r\n" + host + "Connection: Close\r\n\r\n", "HEAD / HTTP/1.1\r\n" + host + "\r\n" + lastGet("/")} {
				var methods []string
				for line := range strings.SplitSeq(request, "\r\n") {
					if method, _, found := strings.Cut(line, " / "); found {
						methods = append(methods, method)
					}
				}
				got, want := read(methods, lane.raw(request)), read(methods, nethttp.raw(request))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q (- net/http, + lane):\n%s", request, diff)
				}
			}
			if lane.handed.Load() != 0 {
				t.Error("handed over")
			}
		})
	}
}

// seen is a request as a handler sees it.
type seen struct {
	Method, Target, Path, RawPath, Query, Host, Proto string
	Force, Close                                      bool
	Header                                            http.Header
	Length                                            int64
	Coding                                            []string
	Body                                              bool
}

func look(r *http.Request) seen {
	return seen{r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host, r.Proto, r.URL.ForceQuery, r.Close, r.Header, r.ContentLength,
		r.TransferEncoding, r.Body != http.NoBody}
}

// netHTTP is the server that the lane must agree with; it takes one connection at a time.
type netHTTP struct {
	conns chan net.Conn
	got   chan seen
}

func (n *netHTTP) Accept() (net.Conn, error) {
	conn, ok := <-n.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (n *netHTTP) Close() error   { return nil }
func (n *netHTTP) Addr() net.Addr { return &net.TCPAddr{} }

func newNetHTTP(t testing.TB) *netHTTP {
	n := &netHTTP{make(chan net.Conn), make(chan seen, 1)}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { n.got <- look(r) }), ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(n) }()
	t.Cleanup(func() { close(n.conns); <-done; server.Close() })
	return n
}

// ask returns what the server makes of head; false: it refuses it.
func (n *netHTTP) ask(head []byte) (seen, string, bool) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	n.conns <- theirs
	go func() { _, _ = ours.Write(head) }()
	status, _ := bufio.NewReader(ours).ReadString('\n')
	select {
	case got := <-n.got:
		return got, status, true
	default:
		return seen{}, status, false
	}
}

// FuzzParse: whatever the lane takes, net/http takes for the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "Accept: a\r\naccept: b\r\nX-A:\r\nX-B: \t v \t\r\n", "Connection: Keep-Alive\r\n", "connection: CLOSE\r\n", "Pragma: no-cache\r\n", "Pragma: no-cache\r\nCache-Control: x\r\n",
		"Connection: close, keep-alive\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "TE: trailers\r\n", "Trailer: X\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n",
		"HTTP2-Settings: x\r\n", "X y: z\r\n", "X\ty: z\r\n", " X: z\r\n", ": z\r\n", "X: a\r\n b\r\n", "X: a\nY: b\r\n", "X: a\rY: b\r\n", "X: \x00\r\n", "X: \x7f\r\n", "X: \xff\r\n", "\r\n", "Host: b\r\n",
		"Keep-Alive: 5\r\n", "Proxy-Connection: close\r\n", "Cookie: a=1; b=2\r\nCookie: c\r\n", "Connection: close\r\nConnection: x\r\n", "Sec-WebSocket-Key: x\r\n",
	} {
		f.Add("GET", "/", "a", []byte(seed))
	}
	for _, target := range []string{"/a%20b?x=1", "/?", "/%zz", "//a//b", "/a?b?c", "/a#b", "*", "http://a/", "/a b", "/ü", "/%2f/..%2f", "/a\\b", "/[x]", "/?%zz", "/;a=b", "/a:b@c"} {
		f.Add("GET", target, "a:80", []byte("X: y\r\n"))
	}
	for _, method := range []string{"HEAD", "get", "POST", "PRI", "GET /", "\r\nGET"} {
		f.Add(method, "/", "[::1]:80", []byte(""))
	}
	for _, name := range []string{"", "a b", "a/b", "a@b", "a,b", "ü", "a..b", "[", "%41", "_a-b.c:"} {
		f.Add("GET", "/", name, []byte(""))
	}
	server := newNetHTTP(f)
	f.Fuzz(func(t *testing.T, method, target, hostName string, fields []byte) {
		head := []byte(method + " " + target + " HTTP/1.1\r\nHost: " + hostName + "\r\n" + string(fields) + "\r\n")
		i := bytes.Index(head, []byte(endOfHead))
		head = head[:i+len(endOfHead)]
		if !begins(head) {
			return
		}
		r, plain := parse(string(head))
		if !plain {
			return
		}
		r = *r.WithContext(context.Background())
		want, status, taken := server.ask(head)
		if !taken {
			t.Fatalf("%q: the lane takes it, net/http does not: %q", head, status)
		}
		if diff := cmp.Diff(want, look(&r)); diff != "" {
			t.Errorf("%q (- net/http, + lane):\n%s", head, diff)
		}
	})
}

// journal is what a server has been asked, and the text of all its answers.
type journal struct {
	rig  *rig
	mu   sync.Mutex
	seen []string
}

func newJournal(t testing.TB, laned bool) *journal {
	j := &journal{}
	j.rig = newRig(t, laned, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		j.mu.Lock()
		j.seen = append(j.seen, fmt.Sprintf("%+v %q %v", look(r), body, err))
		j.mu.Unlock()
		_, _ = io.WriteString(w, r.RequestURI)
	})
	return j
}

func (j *journal) send(t *testing.T, text []byte) (seen []string, answers string) {
	t.Helper()
	conn, err := net.Dial("tcp", j.rig.addr)
	if err != nil {
		t.Skip(err) // no more ports
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = conn.Write(text)
	_ = conn.(*net.TCPConn).CloseWrite()
	all, _ := io.ReadAll(conn)
	j.mu.Lock()
	defer j.mu.Unlock()
	seen, j.seen = j.seen, nil
	return seen, dateValue.ReplaceAllString(string(all), "Date:")
}

// FuzzConnection: whatever comes over a connection, handlers see the same requests in the same order, and the client the same answers.
func FuzzConnection(f *testing.F) {
	const get, post = "GET /a?b HTTP/1.1\r\nHost: a\r\n", "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	for _, seed := range []string{
		"", "\r\n", "G", get, get + "\r\n", get + "\r\n" + get + "\r\n", get + "\r\n" + post, post + get + "\r\n", get + "\r\n" + post + get + "\r\n", get + "Connection: close\r\n\r\n" + get + "\r\n",
		"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get + "\r\n", get + "\r\n\r\n" + get + "\r\n", get + "Content-Length: 30\r\n\r\n" + get + "\r\n", get + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get + "\r\n",
		get + "\r\nGET /b HTTP/1.0\r\n\r\n", get + "\r\nGET /b HTTP/1.1\nHost: a\n\n", get + "X: a\r\n b\r\n\r\n", get + "\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get + "Expect: 100-continue\r\n\r\n" + get + "\r\n",
		"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n" + get + "\r\n", get + "\r\n0", get + "\r\n0123", get + "\n", get + "\r\r\n", get + "X:\x00\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	laned, nethttp := newJournal(f, true), newJournal(f, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 8<<10 {
			return
		}
		seen, answers := laned.send(t, text)
		wantSeen, wantAnswers := nethttp.send(t, text)
		if diff := cmp.Diff(wantSeen, seen); diff != "" {
			t.Errorf("%q: handlers see (- net/http, + lane):\n%s", text, diff)
		}
		if answers != wantAnswers {
			t.Errorf("%q: net/http answers %q, the lane %q", text, wantAnswers, answers)
		}
	})
}
