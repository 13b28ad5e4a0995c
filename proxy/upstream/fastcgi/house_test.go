package fastcgi

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dialer counts the connections that it makes.
type dialer struct {
	addr  net.Addr
	dials atomic.Int32
}

func (d *dialer) dial(ctx context.Context) (net.Conn, error) {
	d.dials.Add(1)
	return new(net.Dialer).DialContext(ctx, d.addr.Network(), d.addr.String())
}

// listen makes a unix socket that ends with the test, and waits for serve.
func listen(t testing.TB, serve func(net.Listener)) *dialer {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); serve(l) }()
	t.Cleanup(func() { l.Close(); <-ended })
	return &dialer{addr: l.Addr()}
}

// application is one made with net/http/fcgi.
func application(t testing.TB, h http.HandlerFunc) *dialer {
	return listen(t, func(l net.Listener) { _ = fcgi.Serve(l, h) })
}

// rogue hands every connection to serve, after it has read the request; its body ends with an empty record.
func rogue(t testing.TB, serve func(conn net.Conn)) *dialer {
	return listen(t, func(l net.Listener) {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if readRequest(conn) == nil {
				serve(conn)
			}
			conn.Close()
		}
	})
}

func readRequest(conn net.Conn) error {
	for {
		var head [headerLen]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		length := binary.BigEndian.Uint16(head[4:])
		if _, err := io.CopyN(io.Discard, conn, int64(length)+int64(head[6])); err != nil {
			return err
		}
		if head[1] == typeStdin && length == 0 {
			return nil
		}
	}
}

func newClient(t testing.TB, d *dialer, o Options) *Client {
	t.Helper()
	o.Dial = d.dial
	if o.KeepAlive {
		o.MaxIdle, o.IdleTimeout = max(o.MaxIdle, 4), max(o.IdleTimeout, time.Minute)
	}
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

func request(t testing.TB, method string, body io.Reader) (*http.Request, []Param) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://app/", body)
	if err != nil {
		t.Fatal(err)
	}
	params := []Param{{"REQUEST_METHOD", method}, {"SERVER_PROTOCOL", "HTTP/1.1"}, {"HTTP_HOST", "app"}, {"REQUEST_URI", "/"},
		{"HTTP_LONG", strings.Repeat("x", 70_000)}}
	return r, params
}

func ask(t testing.TB, c *Client, method string, body io.Reader) (*http.Response, string, error) {
	t.Helper()
	r, params := request(t, method, body)
	res, err := c.Do(r, params)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, string(text), err
}

// record is one record of an answer.
func record(kind byte, content string) string {
	return string(appendHeader(nil, kind, len(content))) + content
}

func end(status byte) string {
	return record(typeEnd, "\x00\x00\x00\x00"+string(status)+"\x00\x00\x00")
}
