package proxy

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2Conn speaks HTTP/2 frame by frame, as no client library would.
type h2Conn struct {
	t      *testing.T
	framer *http2.Framer
	block  bytes.Buffer
	enc    *hpack.Encoder
	stream uint32
}

func dialH2(t *testing.T, addr string, config *tls.Config) *h2Conn {
	t.Helper()
	config = config.Clone()
	config.ServerName, config.NextProtos = "example.com", []string{"h2"}
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := &h2Conn{t: t, framer: http2.NewFramer(conn, conn), stream: 1}
	c.enc = hpack.NewEncoder(&c.block)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if _, err = io.WriteString(conn, http2.ClientPreface); err == nil {
		err = c.framer.WriteSettings()
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends fields (name, value, …) and a body, and returns the status; 0 when the stream or the connection was ended instead.
func (c *h2Conn) ask(body string, fields ...string) (status string) {
	c.t.Helper()
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: c.block.Bytes(), EndHeaders: true, EndStream: body == ""})
	if err == nil && body != "" {
		err = c.framer.WriteData(c.stream, true, []byte(body))
	}
	for err == nil {
		var frame http2.Frame
		if frame, err = c.framer.ReadFrame(); err != nil {
			break
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame:
			return "reset"
		case *http2.GoAwayFrame:
			return "gone"
		}
	}
	if !errors.Is(err, io.EOF) {
		c.t.Logf("connection: %v", err)
	}
	return "gone"
}

func TestHTTP2Framing_R8_4_2_3_4_2_4(t *testing.T) {
	g := publicRig(t)
	s := tlsRig(t, g)
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig
	get := []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/"}
	for _, c := range []struct {
		name, body string
		fields     []string
		passes     bool
	}{
		{"plain", "", get, true},
		{"R8 upper case", "", append(get, "X-Upper", "1"), false},
		{"4.2.3 connection", "", append(get, "connection", "close"), false},
		{"4.2.3 transfer-encoding", "x", append(get, "transfer-encoding", "chunked"), false},
		{"4.2.3 upgrade", "", append(get, "upgrade", "h2c"), false},
		{"4.2.3 te", "", append(get, "te", "gzip"), false},
		{"4.2.4 line break", "", append(get, "x-a", "b\r\nremote-user: root"), false},
		{"4.2.4 NUL", "", append(get, "x-a", "b\x00"), false},
		{"4.2.4 name with colon", "", append(get, "x:a", "b"), false},
		{"R8 unknown pseudo field", "", append(get, ":user", "root"), false},
		{"R8 pseudo field after others", "", append([]string{"x-a", "b"}, get...), false},
		{"R8 path twice", "", append(get, ":path", "/admin"), false},
		{"R8 no path", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com"}, false},
		{"R8 empty path", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", ""}, false},
		{"R8 absolute path", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "https://evil.example/"}, false},
		{"R8 path with blank", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/ HTTP/1.1"}, false},
		{"R8 path with line break", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/\r\nX: y"}, false},
		{"R8 fragment", "", []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/#x"}, false},
		{"R2 two authorities", "", append(get, "host", "evil.example"), false},
		{"R2 user info", "", []string{":method", "GET", ":scheme", "https", ":authority", "u@example.com", ":path", "/"}, false},
		{"R6 another authority", "", []string{":method", "GET", ":scheme", "https", ":authority", "evil.example", ":path", "/"}, false},
		{"4.1.4 CONNECT", "", []string{":method", "CONNECT", ":authority", "example.com:443"}, false},
		{"4.1.4 extended CONNECT", "", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "example.com", ":path", "/"}, false},
		{"4.1.4 method with blank", "", []string{":method", "GET /x", ":scheme", "https", ":authority", "example.com", ":path", "/"}, false},
		{"R8 body shorter than its length", "abc", append([]string{":method", "POST"}, append(get[2:], "content-length", "5")...), false},
		{"R8 body longer than its length", "abcde", append([]string{":method", "POST"}, append(get[2:], "content-length", "3")...), false},
		{"R8 two lengths", "abc", append([]string{":method", "POST"}, append(get[2:], "content-length", "3", "content-length", "4")...), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			status := dialH2(t, s.Listener.Addr().String(), roots).ask(c.body, c.fields...)
			saw := g.app.taken()
			if passed := status == "200"; passed != c.passes || (saw != nil) != c.passes {
				t.Errorf("%q: %s, upstream saw %+v", c.fields, status, saw)
			}
		})
	}
}
