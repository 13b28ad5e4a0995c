package upstream_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"

	"coatcheck/proxy/upstream"
)

// echo is a gRPC server as far as HTTP sees one: messages with a prefix of five bytes, both directions at once, and the status in
// the trailers (gRPC over HTTP2, Responses).
func echo(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" {
		http.Error(w, "HTTP/2 and te: trailers, please", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	if r.URL.Path == "/echo.Echo/Nothing" { // Trailers-Only
		w.Header().Set("Grpc-Status", "5")
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for n := 0; ; n++ {
		message, err := readMessage(r.Body)
		if err != nil {
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			w.Header().Set(http.TrailerPrefix+"Grpc-Message", fmt.Sprint(n, " messages"))
			return
		}
		_, _ = w.Write(appendMessage(nil, "echo "+message))
		_ = http.NewResponseController(w).Flush()
	}
}

func appendMessage(dst []byte, message string) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, 0), uint32(len(message)))
	return append(dst, message...)
}

func readMessage(r io.Reader) (string, error) {
	var prefix [5]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return "", err
	}
	message := make([]byte, binary.BigEndian.Uint32(prefix[1:]))
	_, err := io.ReadFull(r, message)
	return string(message), err
}

func h2cServer(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return "h2c" + strings.TrimPrefix(s.URL, "http")
}

// front is a ReverseProxy with HTTP/2 on its own side, too.
func front(t testing.TB, u interface {
	http.RoundTripper
}) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(&httputil.ReverseProxy{Transport: u, FlushInterval: -1, Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host = "http", "upstream"
	}})
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func grpc(t testing.TB, url string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Te": {"trailers"}, "Content-Type": {"application/grpc"}}
	return r
}

func TestGRPC(t *testing.T) {
	u := open(t, upstream.Options{URL: h2cServer(t, echo)})
	p := front(t, u)
	in, send := io.Pipe()
	res, err := p.Client().Do(grpc(t, p.URL+"/echo.Echo/Talk", in))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, message := range []string{"one", "two", strings.Repeat("x", 100_000)} { // each is answered before the next is sent
		if _, err := send.Write(appendMessage(nil, message)); err != nil {
			t.Fatal(err)
		}
		if got, err := readMessage(res.Body); got != "echo "+message || err != nil {
			t.Fatalf("%.20q, %v, want an echo of %.20q", got, err, message)
		}
	}
	send.Close()
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("at the end: %q, %v", rest, err)
	}
	if res.Trailer.Get("Grpc-Status") != "0" || res.Trailer.Get("Grpc-Message") != "3 messages" {
		t.Errorf("trailers %v", res.Trailer)
	}
	res, err = p.Client().Do(grpc(t, p.URL+"/echo.Echo/Nothing", bytes.NewReader(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("Grpc-Status") != "5" {
		t.Errorf("Trailers-Only: %v, want the status 5", res.Header)
	}
}

func TestH2CIgnoresUpgrade(t *testing.T) {
	u := open(t, upstream.Options{URL: h2cServer(t, hello)})
	r := forwarded(t, "GET", "/a%2Fb", nil)
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	res, body, err := do(t, u, r)
	if err != nil || res.ProtoMajor != 2 || body != "hello /a/b" || r.Header.Get("Upgrade") == "" {
		t.Errorf("%v, %q, %v", res, body, err)
	}
}

func TestH2CMisbehaving_F28(t *testing.T) {
	preface := "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // SETTINGS
	for name, answer := range map[string]string{
		"nothing": "", "http/1.1": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "goaway": preface + "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"reset stream": preface + "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02", "garbage": preface + strings.Repeat("\xff", 100),
	} {
		t.Run(name, func(t *testing.T) {
			addr, _ := rogue(t, saysFrames(answer))
			if res, body, err := do(t, open(t, upstream.Options{URL: "h2c://" + addr}), forwarded(t, "POST", "/", nil)); err == nil {
				t.Errorf("%v, %q, want an error", res, body)
			}
		})
	}
}

func TestH2CTruncated_F28(t *testing.T) {
	u := open(t, upstream.Options{URL: h2cServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "some")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})})
	if _, body, err := do(t, u, forwarded(t, "GET", "/", nil)); err == nil || body != "some" {
		t.Errorf("%q, %v, want some and an error", body, err)
	}
}

// saysFrames answers once the client's preface and its first frames are there.
func saysFrames(answer string) func(conn net.Conn, number int32) {
	return func(conn net.Conn, _ int32) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		_, _ = in.ReadString('M')
		_, _ = io.WriteString(conn, answer)
		_, _ = io.CopyN(io.Discard, in, 30)
	}
}
