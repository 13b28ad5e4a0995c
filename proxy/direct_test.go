package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cannedUpstream answers every request with the same bytes, and hands out what it was asked.
func cannedUpstream(t *testing.T, answer string) (addr string, asked <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	saw := make(chan string, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var head strings.Builder
			in := bufio.NewReader(conn)
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == "\r\n" {
					break
				}
				head.WriteString(line)
			}
			saw <- head.String()
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return l.Addr().String(), saw
}

var varying = regexp.MustCompile(`(?m)^(X-Request-Id|Date): [^\r\n]*|127\.0\.0\.1:\d+`)

// normalized is a request or an answer without what is different each time, its fields sorted.
func normalized(text string) string {
	head, rest, _ := strings.Cut(varying.ReplaceAllString(text, "$1"), "\r\n\r\n")
	lines := strings.Split(strings.TrimRight(head, "\r\n"), "\r\n")
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + rest
}

// answered reads an answer with its interim ones, however it was cut into pieces.
func answered(t *testing.T, method, text string) string {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(text))
	var b strings.Builder
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			fmt.Fprintf(&b, "no answer: %v", err)
			return b.String()
		}
		body, err := io.ReadAll(res.Body)
		res.Header.Del("Date")
		fmt.Fprintf(&b, "%s close=%v length=%d coding=%v\n%v\n%q %v\n%v\n", res.Status, res.Close, res.ContentLength, res.TransferEncoding, res.Header, body, err, res.Trailer)
		if res.StatusCode >= 200 || res.StatusCode == http.StatusSwitchingProtocols {
			return problemID.ReplaceAllString(b.String(), "")
		}
	}
}

var problemID = regexp.MustCompile(`[A-Z2-7]{26}`)

// A plain request takes a way of its own; upstream and client must not be able to tell.
func TestDirectIsReverseProxy(t *testing.T) {
	const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	for name, c := range map[string]struct {
		method, target string
		header         []string
		answer         string
		change         func(*Route)
	}{
		"plain":                {answer: plainAnswer},
		"R5 Connection lists":  {answer: plainAnswer, header: []string{"Connection", "X-A, Remote-User , cookie", "Connection", "X-B", "X-A", "1", "X-B", "2", "X-C", "3"}},
		"hop by hop":           {answer: plainAnswer, header: []string{"Keep-Alive", "timeout=5", "Proxy-Connection", "x", "Proxy-Authorization", "Basic x", "Trailer", "X-T", "HTTP2-Settings", "x"}},
		"several of one name":  {answer: plainAnswer, header: []string{"Accept", "a", "Accept", "b", "Cookie", "a=1", "Cookie", "b=2", "X-Empty", ""}},
		"agent":                {answer: plainAnswer, header: []string{"User-Agent", "me/1"}},
		"odd target":           {answer: plainAnswer, target: "//a//b?x=%zz&;y=&a=1;2"},
		"query":                {answer: plainAnswer, target: "/?"},
		"POST without a body":  {answer: plainAnswer, method: "POST"},
		"POST of length 0":     {answer: plainAnswer, method: "POST", header: []string{"Content-Length", "0"}},
		"unknown method":       {answer: plainAnswer, method: "PROPFIND"},
		"HEAD":                 {method: "HEAD", answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		"204":                  {answer: "HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"},
		"304":                  {answer: "HTTP/1.1 304 Not Modified\r\nEtag: x\r\nContent-Length: 7\r\n\r\n"},
		"empty":                {answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		"until close":          {answer: "HTTP/1.1 200 OK\r\n\r\nhello"},
		"HTTP/1.0":             {answer: "HTTP/1.0 200 OK\r\n\r\nhello"},
		"chunked":              {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		"R4 trailers dropped":  {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\nSet-Cookie: sessionid=x\r\n\r\n"},
		"trailers let through": {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", change: func(r *Route) { r.Trailers = true }},
		"F28 truncated":        {answer: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"},
		"F28 truncated chunk":  {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"},
		"F28 garbage":          {answer: "garbage\r\n\r\n"},
		"F28 nothing":          {answer: ""},
		"interim":              {answer: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nSet-Cookie: sessionid=x\r\n\r\n" + plainAnswer},
		"101 unasked":          {answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nxxxxx"},
		"status 099":           {answer: "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"},
		"event stream":         {answer: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"},
		"answer's own fields":  {answer: "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nProxy-Authenticate: x\r\nSet-Cookie: a=1\r\nSet-Cookie: sessionid=x\r\nVary: Accept\r\nCache-Control: max-age=1\r\nContent-Length: 1\r\n\r\nx"},
		"fields to be changed": {answer: plainAnswer, header: []string{"X-Old", "1", "Authorization", "Bearer x"}, change: func(r *Route) {
			r.Request.Remove, r.Request.Set = []string{"x-old"}, []Field{{Name: "x-new", Value: "1"}}
			r.Response.Set = []Field{{Name: "x-answer", Value: "1"}}
		}},
		"body above the buffer": {answer: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000)},
	} {
		t.Run(name, func(t *testing.T) {
			var seen, got [2]string
			for i := range seen {
				addr, asked := cannedUpstream(t, c.answer)
				rt := Route{Path: "/", Access: Access{Mode: ModeLogin}}
				if c.change != nil {
					c.change(&rt)
				}
				g := newRig(t, settings{routes: []Route{rt}, upstream: "http://" + addr})
				g.handler.own.forward.indirect = i == 1
				method, target := c.method, c.target
				if method == "" {
					method = http.MethodGet
				}
				if target == "" {
					target = "/a"
				}
				var head strings.Builder
				for i, header := 0, append(c.header, "Cookie", session(g.login("1"))); i < len(header); i += 2 {
					fmt.Fprintf(&head, "%s: %s\r\n", header[i], header[i+1])
				}
				got[i] = answered(t, method, g.raw(method+" "+target+" HTTP/1.1\r\n"+hostLine+"Connection: close\r\n"+head.String()+"\r\n"))
				select {
				case text := <-asked:
					seen[i] = normalized(text)
				default:
				}
			}
			if diff := cmp.Diff(seen[1], seen[0]); diff != "" {
				t.Errorf("the upstream sees (- ReverseProxy, + direct):\n%s", diff)
			}
			if diff := cmp.Diff(got[1], got[0]); diff != "" {
				t.Errorf("the client sees (- ReverseProxy, + direct):\n%s", diff)
			}
		})
	}
}
