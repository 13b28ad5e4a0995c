package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const hostLine = "Host: app.example.com\r\n"

// Raw requests that must not get through, whatever their sender hopes that somebody reads into them.
func TestRefused_R1_R2_R3_4_1_4_4_2_1(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	long := strings.Repeat("a", 16<<10)
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"4.1.4 TRACE", "TRACE / HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 TRACK", "TRACK / HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 CONNECT", "CONNECT app.example.com:443 HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 CONNECT path", "CONNECT / HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 trace in lower case", "trace / HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 PRI", "PRI / HTTP/1.1\r\n" + hostLine, 405},
		{"4.1.4 HTTP/2 preface", "PRI * HTTP/2.0\r\n" + hostLine, 405},
		{"4.1.4 method of 33 bytes", strings.Repeat("M", 33) + " / HTTP/1.1\r\n" + hostLine, 501},
		{"4.1.4 asterisk", "OPTIONS * HTTP/1.1\r\n" + hostLine, 400},
		{"4.1.4 GET asterisk", "GET * HTTP/1.1\r\n" + hostLine, 400},
		{"R2 no Host", "GET / HTTP/1.1\r\n", 400},
		{"R2 no Host in 1.0", "GET / HTTP/1.0\r\n", 400},
		{"R2 empty Host", "GET / HTTP/1.1\r\nHost:\r\n", 400},
		{"R2 two Hosts", "GET / HTTP/1.1\r\n" + hostLine + "Host: evil.example\r\n", 400},
		{"R2 the same Host twice", "GET / HTTP/1.1\r\n" + hostLine + hostLine, 400},
		{"R2 Host with user", "GET / HTTP/1.1\r\nHost: a@b\r\n", 400},
		{"R2 Host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n", 400},
		{"R2 Host with comma", "GET / HTTP/1.1\r\nHost: a,b\r\n", 400},
		{"R2 Host with blank", "GET / HTTP/1.1\r\nHost: a b\r\n", 400},
		{"R2 Host with bad port", "GET / HTTP/1.1\r\nHost: a:99999\r\n", 400},
		{"R2 absolute, another host", "GET http://evil.example/ HTTP/1.1\r\n" + hostLine, 421},
		{"R2 absolute, another port", "GET http://own.example:81/ HTTP/1.1\r\nHost: own.example\r\n", 421},
		{"R2 absolute, another host over two lines", "GET http://evil.example/ HTTP/1.1\r\n" + hostLine + "X-A: b\r\n\tHost: evil.example\r\n", 421},
		{"R2 absolute, another host in a body", "POST http://evil.example/ HTTP/1.1\r\n" + hostLine + "Content-Length: 22\r\n\r\nx\r\nHost: evil.example\r\n", 421},
		{"R2 absolute, no Host", "GET http://own.example/ HTTP/1.1\r\n", 400},
		{"R2 absolute, user info", "GET http://user:pw@app.example.com/ HTTP/1.1\r\n" + hostLine, 400},
		{"R2 other scheme", "GET ftp://app.example.com/ HTTP/1.1\r\n" + hostLine, 400},
		{"R2 authority form", "GET app.example.com:80 HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 fragment", "GET /a#b HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 fragment in query", "GET /a?b#c HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 control byte", "GET /a\x01b HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 DEL", "GET /a\x7fb HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 NUL", "GET /a\x00b HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 tab in target", "GET /a\tb HTTP/1.1\r\n" + hostLine, 400},
		{"1.1.1 two blanks", "GET  / HTTP/1.1\r\n" + hostLine, 400},
		{"R1 space before colon", "GET / HTTP/1.1\r\n" + hostLine + "X-A : b\r\n", 400},
		{"R1 Transfer-Encoding with space", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
		{"R1 bare CR in value", "GET / HTTP/1.1\r\n" + hostLine + "X-A: b\rX-B: c\r\n", 400},
		{"R1 NUL in value", "GET / HTTP/1.1\r\n" + hostLine + "X-A: b\x00\r\n", 400},
		{"R1 name with control byte", "GET / HTTP/1.1\r\n" + hostLine + "X\x01A: b\r\n", 400},
		{"R1 empty name", "GET / HTTP/1.1\r\n" + hostLine + ": b\r\n", 400},
		{"R1 line without colon", "GET / HTTP/1.1\r\n" + hostLine + "nonsense\r\n", 400},
		{"R1 header begins folded", "GET / HTTP/1.1\r\n X: y\r\n" + hostLine, 400},
		{"R3 two lengths", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
		{"R3 list of lengths", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 3, 3\r\n\r\nabc", 400},
		{"R3 signed length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: +3\r\n\r\nabc", 400},
		{"R3 negative length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: -1\r\n\r\n", 400},
		{"R3 hexadecimal length", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 0x3\r\n\r\nabc", 400},
		{"R3 two codings", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"R3 chunked twice", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		{"R3 identity", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\na", 501},
		{"R3 chunked with a vertical tab", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", 400},
		{"R3 length and chunks", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"R3 chunks and length", "POST / HTTP/1.1\r\n" + hostLine + "transfer-encoding: Chunked\r\nCONTENT-LENGTH: 4\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400},
		{"R3 lines that end in LF", "POST / HTTP/1.1\n" + "Host: a\nTransfer-Encoding: chunked\nContent-Length: 4\n\n0\r\n\r\n", 400},
		{"R3 chunks in 1.0", "POST / HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400},
		{"R3 chunks and length in 1.0", "POST / HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 400},
		{"4.1.4 HTTP/3.0", "GET / HTTP/3.0\r\n" + hostLine, 505},
		{"4.1.4 lower-case protocol", "GET / http/1.1\r\n" + hostLine, 400},
		{"limits: target", "GET /" + long + " HTTP/1.1\r\n" + hostLine, 414},
		{"limits: 201 fields", "GET / HTTP/1.1\r\n" + hostLine + strings.Repeat("X-A: b\r\n", 201), 431},
		{"limits: block of 64 KiB", "GET / HTTP/1.1\r\n" + hostLine + "X-A: " + strings.Repeat(long, 4) + "\r\n", 431},
		{"R4 bare LF ends a chunk size", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
		{"R4 17 hex digits", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n00000000000000001\r\na\r\n0\r\n\r\n", 400},
		{"R4 long extension", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n1;" + long + "\r\na\r\n0\r\n\r\n", 400},
		{"R4 chunk longer than said", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := c.request
			if !strings.Contains(request, "\r\n\r\n") {
				request += "\r\n"
			}
			// A second request on the same connection must not be answered, whatever the first was taken for.
			text := g.raw(request + "GET /second HTTP/1.1\r\n" + hostLine + "Connection: close\r\n\r\n")
			if got := statusOf(text); got != c.status {
				t.Errorf("%.120q: %d, want %d\n%.300s", c.request, got, c.status, text)
			}
			if answersIn(text) != 1 {
				t.Errorf("%.120q: several answers:\n%s", c.request, text)
			}
			if saw := g.app.taken(); saw != nil {
				t.Errorf("%.120q: the upstream saw %+v", c.request, saw)
			}
		})
	}
}

// answersIn counts the status lines.
func answersIn(text string) int { return len(statusLine.FindAllString(text, -1)) }

var statusLine = regexp.MustCompile(`HTTP/1\.[01] \d{3} `)

func statusOf(text string) (status int) {
	var minor int
	_, _ = fmt.Sscanf(text, "HTTP/1.%d %d", &minor, &status)
	return status
}

// Where the wire cannot be watched (under TLS, in pipelined requests) one framing goes on to the upstream, and the connection ends,
// so that what the other framing would have made of the rest is never read.
func TestOneFraming_R3_4_2_1(t *testing.T) {
	public := func() []Route { return []Route{{Path: "/", Access: Access{Mode: ModePublic}}} }
	g := newRig(t, settings{routes: public(), noLane: true})
	const second = "GET /second HTTP/1.1\r\n" + hostLine + "\r\n"
	const before = "GET /before HTTP/1.1\r\n" + hostLine + "\r\n"
	for _, c := range []struct{ name, request, body string }{
		{"length and chunks", "POST /first HTTP/1.1\r\n" + hostLine + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
		{"chunks and length", "POST /first HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi"},
		{"chunks in 1.0", "POST /first HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", ""},
		{"length and chunks in 1.0", "POST /first HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "2\r"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := g.raw(before + c.request + second)
			saw := g.app.taken()
			if answersIn(text) != 2 || saw == nil || saw.URI != "/first" || saw.Body != c.body {
				t.Errorf("upstream saw %+v, answers:\n%s", saw, text)
			}
		})
	}
	t.Run("behind the fast lane all of it is watched", func(t *testing.T) {
		if !laned {
			t.Skip("COATCHECK_FAST_LANE is off")
		}
		g := newRig(t, settings{routes: public()})
		text := g.raw(before + "POST /first HTTP/1.1\r\n" + hostLine + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second)
		if saw := g.app.taken(); answersIn(text) != 2 || !strings.Contains(text, "400 Bad Request") || saw == nil || saw.URI != "/before" {
			t.Errorf("upstream saw %+v, answers:\n%s", saw, text)
		}
	})
	t.Run("every request of a connection is watched", func(t *testing.T) {
		conn := g.dial()
		in := bufio.NewReader(conn)
		for range 3 {
			_, _ = io.WriteString(conn, before)
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.StatusCode != 200 {
				t.Fatal(res, err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\n"+hostLine+"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+second)
		if text, _ := io.ReadAll(in); statusOf(string(text)) != 400 || answersIn(string(text)) != 1 {
			t.Errorf("answers:\n%s", text)
		}
	})
	t.Run("equal lengths are one", func(t *testing.T) {
		text := g.raw("POST /first HTTP/1.1\r\n" + hostLine + "Content-Length: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
		if saw := g.app.taken(); saw == nil || saw.Body != "hi" || len(saw.Header["Content-Length"]) != 1 {
			t.Errorf("upstream saw %+v\n%s", saw, text)
		}
	})
	t.Run("keep-alive otherwise", func(t *testing.T) {
		text := g.raw("POST /first HTTP/1.1\r\n" + hostLine + "Content-Length: 2\r\n\r\nhi" + strings.Replace(second, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		if strings.Count(text, "HTTP/1.1 200") != 2 {
			t.Errorf("answers:\n%s", text)
		}
	})
}

func TestAbsoluteTarget_R2(t *testing.T) {
	g := newRig(t, settings{public: "https://app.example.com", routes: []Route{
		{Host: "shop.example.com", Path: "/", Access: Access{Mode: ModePublic}}, {Path: "/", Access: Access{Mode: ModePublic}}}})
	for target, host := range map[string]string{
		"http://app.example.com/x?y": "app.example.com", "https://shop.example.com:8443/x?y": "shop.example.com:8443", "http://" + g.addr + "/x?y": g.addr,
	} {
		g.raw("GET " + target + " HTTP/1.1\r\nHost: ignored.example\r\nConnection: close\r\n\r\n")
		if saw := g.app.taken(); saw == nil || saw.Host != host || saw.URI != "/x?y" {
			t.Errorf("GET %s: upstream saw %+v, want host %s", target, saw, host)
		}
	}
}

func TestForwardedHostIsChecked_R10(t *testing.T) {
	g := newRig(t, settings{trusted: []string{"127.0.0.1/32"}, routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	if res := g.get("/", "X-Forwarded-Host", "a@b/c"); res.StatusCode != 400 {
		t.Errorf("%d, want 400", res.StatusCode)
	}
}

// Nobody waits for the body of a request that is refused, and nobody asks for it.
func TestDeniedWithBody_R7(t *testing.T) {
	g := newRig(t, settings{})
	for _, c := range []struct{ name, request string }{
		{"expects 100", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"},
		{"small body that never comes", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\r\n"},
		{"large body that never comes", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 1000000\r\n\r\n"},
		{"chunks that never come", "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n"},
		{"no route", "POST /%00 HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\r\n"},
		{"navigation", "POST / HTTP/1.1\r\n" + hostLine + "Accept: text/html\r\nContent-Length: 5\r\n\r\n"},
	} {
		t.Run("R7 "+c.name, func(t *testing.T) {
			text := g.raw(c.request) // returns when the proxy has closed
			if strings.Contains(text, "100 Continue") || answersIn(text) != 1 || !strings.Contains(text, "\r\nConnection: close\r\n") {
				t.Errorf("answers:\n%s", text)
			}
		})
	}
	t.Run("a client that sends first can read the answer", func(t *testing.T) {
		conn := g.dial()
		body := strings.Repeat("x", 100<<10)
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n%s", hostLine, len(body), body)
		text, _ := io.ReadAll(conn)
		if statusOf(string(text)) != 401 {
			t.Errorf("answer %q", text)
		}
	})
	t.Run("R7 asked for after the check", func(t *testing.T) {
		conn := g.dial()
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%sCookie: %s\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n", hostLine, session(g.login("1")))
		buf := make([]byte, 25)
		if _, err := io.ReadFull(conn, buf); err != nil || string(buf) != "HTTP/1.1 100 Continue\r\n\r\n" {
			t.Fatalf("%q %v", buf, err)
		}
		_, _ = io.WriteString(conn, "hi")
		text, _ := io.ReadAll(conn)
		if statusOf(string(text)) != 200 || g.app.taken().Body != "hi" {
			t.Errorf("answer %q", text)
		}
	})
}
