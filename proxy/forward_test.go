package proxy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func (w *record) arrivalTime() time.Time { return time.Now().Add(time.Minute) }

func dialServer(t *testing.T, s *httptest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func publicRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
}

func TestIdentitySurvivesConnection_R5(t *testing.T) {
	g := newRig(t, settings{})
	g.get("/", "Cookie", session(g.login("1")), "Connection", "Remote-User, X-Forwarded-For, X-Request-Id, Cookie")
	saw := g.app.taken()
	if saw == nil || saw.Header.Get("Remote-User") != "alice" || saw.Header.Get("X-Forwarded-For") != "127.0.0.1" || saw.Header.Get("X-Request-Id") == "" {
		t.Errorf("upstream saw %+v", saw)
	}
}

func TestForwardedWritten_R10(t *testing.T) {
	spoof := []string{
		"Forwarded", "for=6.6.6.6", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-Host", "evil", "X-Forwarded-Proto", "https", "X-Forwarded-Port", "1", "X-Real-IP", "6.6.6.6",
		"X_Forwarded_For", "6.6.6.6", "X-Original-URL", "/admin", "Proxy", "evil", "X-Request-Id", "spoofed", "Host", "app.example.com:8080",
	}
	g := publicRig(t)
	g.get("/", spoof...)
	h := g.app.taken().Header
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "app.example.com:8080", "X-Forwarded-Proto": "http",
		"Forwarded": "", "X-Forwarded-Port": "", "X-Real-Ip": "", "X_forwarded_for": "", "X-Original-Url": "", "Proxy": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if h.Get("X-Request-Id") == "spoofed" {
		t.Error("X-Request-Id of a stranger was taken")
	}
	g = newRig(t, settings{trusted: []string{"127.0.0.1/32"}, routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	g.get("/", "X-Forwarded-For", "6.6.6.6, 192.0.2.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example.com", "X-Request-Id", "from-lb", "Remote-User", "root")
	saw := g.app.taken()
	if saw.Header.Get("X-Forwarded-For") != "192.0.2.1, 127.0.0.1" || saw.Header.Get("X-Forwarded-Proto") != "https" || saw.Host != "shop.example.com" ||
		saw.Header.Get("X-Request-Id") != "from-lb" || saw.Header.Get("Remote-User") != "" {
		t.Errorf("behind a trusted proxy: upstream saw %+v", saw)
	}
}

func TestUnixPeer_4_1_3(t *testing.T) {
	for _, trust := range []bool{false, true} {
		s := settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}}
		if trust {
			s.trusted = []string{"unix"}
		}
		g := newRig(t, s)
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		server := NewServer(g.handler, discardLog())
		go server.Serve(l) //nolint:errcheck // ends with Close
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://app/", nil)
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		want := ""
		if trust {
			want = "192.0.2.1"
		}
		if got := g.app.taken().Header.Get("X-Forwarded-For"); got != want {
			t.Errorf("trusted %v: X-Forwarded-For %q, want %q", trust, got, want)
		}
	}
}

func TestOddHeadersAndBodies(t *testing.T) {
	g := publicRig(t)
	g.get("/", "Accept-Encoding", "br", "X-A", "1", "X-A", "2", "User_Agent", "x", "TE", "trailers, deflate", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQAAP__")
	h := g.app.taken().Header
	if strings.Join(h["X-A"], "|") != "1|2" || h.Get("Accept-Encoding") != "br" || h.Get("Te") != "" || h.Get("User-Agent") != "" {
		t.Errorf("upstream saw %q", h)
	}
	g.get("/", "Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQAAP__")
	if h := g.app.taken().Header; h.Get("Upgrade") != "" || h.Get("Http2-Settings") != "" {
		t.Errorf("an upgrade to h2c went through: %q", h)
	}
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Header().Add("X-B", "1")
		w.Header().Add("X-B", "2")
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, "<html>")
			return
		}
		w.Header().Set("Content-Length", "6")
	})
	res := g.get("/")
	if _, guessed := res.Header["Content-Type"]; guessed || strings.Join(res.Header["X-B"], "|") != "1|2" || res.body != "<html>" {
		t.Errorf("answer %v %q", res.Header, res.body)
	}
	if res := g.do(http.MethodHead, "/", ""); res.ContentLength != 6 || res.body != "" {
		t.Errorf("HEAD: length %d, body %q", res.ContentLength, res.body)
	}
}

func TestTrailersDropped_R4(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}, {Path: "/grpc", Access: Access{Mode: ModePublic}, Trailers: true}}})
	text := g.raw("POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\nTrailer: Remote-User\r\n\r\n2\r\nhi\r\n0\r\nRemote-User: root\r\n\r\n")
	saw := g.app.taken()
	if saw == nil || saw.Body != "hi" || len(saw.Trailer) > 0 || saw.Header.Get("Trailer") != "" || saw.Header.Get("Remote-User") != "" {
		t.Errorf("upstream saw %+v\n%s", saw, text)
	}
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"Set-Cookie", "sessionid=trailer0")
	})
	if text := g.raw("GET / HTTP/1.1\r\n" + hostLine + "Connection: close\r\n\r\n"); strings.Contains(text, "Announced") || strings.Contains(text, "trailer0") {
		t.Errorf("trailers came through:\n%s", text)
	}
	if text := g.raw("GET /grpc HTTP/1.1\r\n" + hostLine + "TE: trailers\r\nConnection: close\r\n\r\n"); !strings.Contains(text, "X-Announced: 1") {
		t.Errorf("trailers did not come through where they may:\n%s", text)
	}
}

func TestInterimAnswers(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModeOptional}}}})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.Header().Add("Set-Cookie", "sessionid=early000")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusNotFound)
	})
	text := g.raw("GET / HTTP/1.1\r\n" + hostLine + "Cookie: sessionid=deaddead\r\nConnection: close\r\n\r\n")
	interim, final, _ := strings.Cut(text, "\r\n\r\n")
	if statusOf(interim) != 103 || strings.Contains(interim, "Cookie") || statusOf(final) != 404 || !strings.Contains(final, `sessionid=""`) || strings.Contains(final, "early000") {
		t.Errorf("answers:\n%s", text)
	}
}

func TestWebSocket_4_4_2_7_2_1(t *testing.T) {
	g := newRig(t, settings{})
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			http.Error(w, "no", http.StatusTeapot)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, append(data, r.Header.Get("Remote-User")...)); err != nil {
				return
			}
		}
	})
	dial := func(path, cookie string) (*websocket.Conn, *http.Response, error) {
		return websocket.Dial(t.Context(), "ws://"+g.addr+path, &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookie}, "Connection": {"Remote-User"}}})
	}
	c, res, err := dial("/", session(g.login("1")))
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	for _, text := range []string{"hello ", strings.Repeat("x", 20<<10)} {
		if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.Read(t.Context()); err != nil || string(got) != text+"alice" {
			t.Errorf("%.20q, %v", got, err)
		}
	}
	if res.Header.Get("Vary") != "Cookie" {
		t.Errorf("handshake: %v", res.Header)
	}
	if _, res, err := dial("/", ""); err == nil || res.StatusCode != 401 {
		t.Errorf("nobody: %v", err)
	}
	if _, res, err := dial("/no", session(g.login("1"))); err == nil || res.StatusCode != 418 {
		t.Errorf("refused by the upstream: %v", err)
	}
	c.CloseNow()
	g.log.waitFor(t, `"status":101`)
}

func TestServerSentEvents(t *testing.T) {
	g := publicRig(t)
	next := make(chan struct{})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	res, err := http.Get("http://" + g.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	in := bufio.NewReader(res.Body)
	for i := range 3 {
		line, err := in.ReadString('\n')
		if _, _ = in.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q, %v", line, err)
		}
		next <- struct{}{} // the upstream goes on only after the client has read
	}
}

func TestLargeBodiesStream(t *testing.T) {
	g := publicRig(t)
	const size = 64 << 20
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		w.Header().Set("Got", fmt.Sprintf("%d %x %v", n, sum.Sum(nil), err))
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.CopyN(w, zeros{}, size)
	})
	sum := sha256.New()
	_, _ = io.CopyN(sum, zeros{}, size)
	for _, length := range []int64{size, -1} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.addr+"/", io.LimitReader(zeros{}, size))
		req.ContentLength = length
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if want := fmt.Sprintf("%d %x <nil>", size, sum.Sum(nil)); n != size || err != nil || res.Header.Get("Got") != want {
			t.Errorf("up %s, want %s; down %d %v", res.Header.Get("Got"), want, n, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRangeAndConditions(t *testing.T) {
	g := publicRig(t)
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		http.ServeContent(w, r, "x.txt", time.Time{}, strings.NewReader("0123456789"))
	})
	if res := g.get("/", "Range", "bytes=2-4"); res.StatusCode != 206 || res.body != "234" || res.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("%d %q %v", res.StatusCode, res.body, res.Header)
	}
	if res := g.get("/", "If-None-Match", `"1"`); res.StatusCode != 304 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestMaxBody(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}, MaxBody: 4}}})
	for _, c := range []struct {
		request string
		status  int
	}{
		{"Content-Length: 4\r\nConnection: close\r\n\r\nabcd", 200},
		{"Content-Length: 5\r\n\r\nabcde", 413},
		{"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", 413},
	} {
		if text := g.raw("POST / HTTP/1.1\r\n" + hostLine + c.request); statusOf(text) != c.status {
			t.Errorf("%q: %s", c.request, text)
		}
	}
}

// An upstream that answers before it has read everything is heard at once.
func TestEarlyAnswer(t *testing.T) {
	g := publicRig(t)
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 3))
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusInsufficientStorage)
		_, _ = io.WriteString(w, "full")
		_ = http.NewResponseController(w).Flush()
	})
	conn := g.dial()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%sContent-Length: 1000\r\n\r\nabc", hostLine)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 507 {
		t.Fatalf("%v, %v, want the answer while the body is still being sent", res, err)
	}
}

// rawUpstream answers every connection with text and closes it.
func rawUpstream(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestUpstreamFaults_F28(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		cut          bool // the client can see that the answer is not whole
	}{
		{"closes without a word", "", 502, false},
		{"garbage", "\x16\x03\x01 hello\r\n\r\n", 502, false},
		{"bad status", "HTTP/1.1 abc\r\n\r\n", 502, false},
		{"status that is none", "HTTP/1.1 000 X\r\nContent-Length: 1\r\n\r\nx", 502, false},
		{"header too long", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", 502, false},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 502, false},
		{"switches protocols unasked", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 502, false},
		{"less than its length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 200, true},
		{"chunks without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 200, true},
		{"more than its length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef", 200, false},
		{"header with control byte", "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n", 502, false},
	} {
		t.Run("F28 "+c.name, func(t *testing.T) {
			g := newRig(t, settings{upstream: rawUpstream(t, c.answer)})
			text := g.raw("GET / HTTP/1.1\r\n" + hostLine + "Cookie: " + session(g.login("1")) + "\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
			if err != nil {
				t.Fatalf("%v: %q", err, text)
			}
			body, err := io.ReadAll(res.Body)
			if res.StatusCode != c.status || (err != nil) != c.cut {
				t.Errorf("%d, body %q, %v", res.StatusCode, body, err)
			}
			if strings.Contains(string(body), "abcdef") || c.status == 502 && !strings.Contains(string(body), "request ") {
				t.Errorf("body %s", body)
			}
			if c.status == 502 || c.cut {
				g.log.waitFor(t, `"err":"`)
			}
		})
	}
	t.Run("F28 down", func(t *testing.T) {
		g := newRig(t, settings{upstream: "http://127.0.0.1:1"})
		if res := g.get("/", "Cookie", session(g.login("1"))); res.StatusCode != 502 || strings.Contains(res.body, "127.0.0.1") || res.Header.Get("Vary") != "Cookie" {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	})
}

func TestPostIsNotRetried_F28(t *testing.T) {
	g := publicRig(t)
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			panic(http.ErrAbortHandler)
		}
	})
	for range 3 {
		g.get("/") // leaves an idle connection
		before := g.app.requests()
		if res := g.do(http.MethodPost, "/die", "x"); res.StatusCode != 502 || g.app.requests() != before+1 {
			t.Errorf("%d after %d attempts", res.StatusCode, g.app.requests()-before)
		}
	}
}

func TestClientsBadBody(t *testing.T) {
	g := publicRig(t)
	if text := g.raw("POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"); statusOf(text) != 400 {
		t.Errorf("answer %q", text)
	}
}

// A body that stops coming is the client's fault, and the client is told so; the upstream is not blamed.
func TestClientsSlowBody_408(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for progressTime")
	}
	t.Parallel()
	g := publicRig(t)
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST / HTTP/1.1\r\n"+hostLine+"Content-Length: 10000\r\n\r\na")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusRequestTimeout {
		t.Fatalf("answer %+v, %v; want 408", res, err)
	}
	g.log.waitFor(t, `"status":408`)
}
