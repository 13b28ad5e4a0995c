package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// BenchmarkGet is a whole authenticated GET over loopback, beside what net/http and httputil cost without us.
func BenchmarkGet(b *testing.B) {
	g := newRig(b, settings{})
	g.handler.log, g.handler.guard.log = discardLog(), discardLog()
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	target, _ := url.Parse(g.app.URL)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	bare := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() }})
	defer bare.Close()
	cookie := session(g.login("1"))
	for name, at := range map[string]string{"coatcheck": "http://" + g.addr, "bare_reverse_proxy": bare.URL} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			for b.Loop() {
				req, _ := http.NewRequest(http.MethodGet, at+"/projects/coatcheck", nil)
				req.Header.Set("Cookie", cookie)
				res, err := client.Do(req)
				if err != nil || res.StatusCode != 200 {
					b.Fatal(res, err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}

// BenchmarkWire is the same without what a client and an application allocate: both are a connection and a fixed text. What is left is the
// proxy's.
func BenchmarkWire(b *testing.B) {
	g := newRig(b, settings{upstream: "http://" + echoLoop(b)})
	g.handler.log, g.handler.guard.log = discardLog(), discardLog()
	target := g.handler.table.hosts[""].routes[""][0].Upstream.Target()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	bare := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.SetXForwarded() }})
	defer bare.Close()
	defer transport.CloseIdleConnections()
	request := []byte("GET /projects/coatcheck?x=1 HTTP/1.1\r\nHost: app.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\n" +
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: theme=dark; " + session(g.login("1")) + "\r\n\r\n")
	for name, at := range map[string]string{"coatcheck": g.addr, "bare_reverse_proxy": bare.Listener.Addr().String()} {
		b.Run(name, func(b *testing.B) {
			conn, err := net.Dial("tcp", at)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			in := bufio.NewReader(conn)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				if err := skipAnswer(in); err != nil {
					b.Fatal(err)
				}
				g.store.seen()
			}
		})
	}
}

const kilobyte = 1 << 10

// echoLoop answers whatever ends in an empty line with a kilobyte.
func echoLoop(b *testing.B) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: text/html\r\nContent-Length: 1024\r\n\r\n" + strings.Repeat("x", kilobyte))
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go answerAll(conn, answer)
		}
	}()
	return l.Addr().String()
}

func answerAll(conn net.Conn, answer []byte) {
	defer conn.Close()
	buf := make([]byte, 8<<10)
	for used := 0; ; {
		n, err := conn.Read(buf[used:])
		if err != nil {
			return
		}
		if used += n; !bytes.HasSuffix(buf[:used], []byte("\r\n\r\n")) {
			continue
		}
		used = 0
		if _, err := conn.Write(answer); err != nil {
			return
		}
	}
}

func skipAnswer(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			_, err := in.Discard(kilobyte)
			return err
		}
	}
}

// BenchmarkDecide is everything before the upstream is asked: no connections, no upstream.
func BenchmarkDecide(b *testing.B) {
	g := newRig(b, settings{})
	h := g.handler
	h.log, h.guard.log = discardLog(), discardLog()
	h.answer = silent{}
	r := httptest.NewRequest(http.MethodGet, "/projects/coatcheck", nil)
	r.Header.Set("Cookie", session(g.login("1")))
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
		g.store.seen()
	}
}

type silent struct{}

func (silent) Allowed(http.ResponseWriter, *http.Request, Pass)            {}
func (silent) NeedLogin(http.ResponseWriter, *http.Request, Pass)          {}
func (silent) Forbidden(http.ResponseWriter, *http.Request, Pass, Verdict) {}
