package upstream_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/proxy/upstream"
	"coatcheck/proxy/upstream/direct"
)

// outcome is what became of an answer.
type outcome struct {
	answer, trailer string
	body            string
	failed          string // "", "header" or "body"
	connections     int    // for two requests, where the first did not fail
}

// FuzzAnswer gives the same bytes to both carriers. What they make of them has to be the same, and where ours uses the connection
// again, net/http would have done so, too.
func FuzzAnswer(f *testing.F) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, answer := range []string{
		ok + "Content-Length: 5\r\n\r\nhello", ok + "Content-Length: 5\r\n\r\nhello, world", ok + "Content-Length: 9\r\n\r\nhello",
		ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", ok + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5;a\r\nhello\r\n0\r\nX: y\r\n\r\n",
		ok + "\r\nhello", ok + "Connection: close\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n",
		ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ok + "Content-Length: +1\r\n\r\nx",
		"HTTP/1.1 200 OK\nContent-Length: 1\n\nx", ok + "X: a\r\n b\r\n\tc\r\nContent-Length: 0\r\n\r\n", ok + "x-Lower: a\r\nX-LOWER:b\r\nPragma: no-cache\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n", ok + "A B: c\r\n\r\n", ok + "A\x00: c\r\n\r\n", "\r\n" + ok + "\r\n",
		ok + "Content-Length: 2\r\n\r\nmy" + ok + "Content-Length: 6\r\n\r\npoison", "SSH-2.0-x\r\n\r\n", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	} {
		for _, end := range []bool{true, false} {
			f.Add([]byte(answer), false, end, uint16(0))
		}
		f.Add([]byte(answer), true, false, uint16(20))
	}
	f.Fuzz(func(t *testing.T, answer []byte, head, end bool, split uint16) {
		if len(answer) > 3<<10 || bytes.Count(answer, []byte("HTTP/1.")) > 20 { // limits of their own
			return
		}
		if int(split) >= len(answer) {
			split = 0
		}
		ours := carry(t, carrier{}, answer, head, end, int(split))
		theirs := carry(t, carrier{handOver: true}, answer, head, end, int(split))
		if split == 0 && ours.connections == 1 && theirs.connections != 1 {
			t.Errorf("ours used the connection again, net/http has not, after %q", answer)
		}
		ours.connections, theirs.connections = 0, 0
		if ours != theirs {
			t.Errorf("of %q ours made\n%+v\nand net/http\n%+v", answer, ours, theirs)
		}
	})
}

// carry asks an upstream that answers the first request of its first connection with the bytes, in one piece or two, and all others
// well.
func carry(t *testing.T, by carrier, answer []byte, head, end bool, split int) (o outcome) {
	synctest.Test(t, func(t *testing.T) {
		u := by.open(t, upstream.Options{URL: "http://fuzz", ResponseHeaderTimeout: time.Minute})
		defer func() { u.Close(); time.Sleep(time.Second) }() // for the upstream to see it
		u.SetDialer(func() (net.Conn, error) {
			near, far := net.Pipe()
			if o.connections++; o.connections == 1 {
				go speak(far, end, answer[:split], answer[split:])
			} else {
				go speak(far, true, nil, nil)
			}
			return near, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		method := "GET"
		if head {
			method = "HEAD"
		}
		res, err := u.RoundTrip(forwarded(t, method, "/", nil).WithContext(ctx))
		if err != nil {
			o.failed = "header"
			return
		}
		defer res.Body.Close()
		if res.StatusCode < 200 { // no status, or protocols that nobody wanted to switch to: ours refuses
			o.failed = "header"
			return
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			o.failed = "body"
		}
		o.answer, o.body, o.trailer = fmt.Sprintln(res.Status, res.StatusCode, res.Proto, res.ContentLength, res.TransferEncoding, fieldLines(res.Header)), string(body), fieldLines(res.Trailer)
		if split > 0 { // what comes late can be seen on a socket only
			return
		}
		synctest.Wait()
		if _, body, err := do(t, u, forwarded(t, "GET", "/", nil).WithContext(ctx)); o.failed == "" && (body != "ok" || err != nil) {
			t.Errorf("after %q the next request gets %q, %v", answer, body, err)
		}
	})
	return o
}

// speak says the pieces to the first request, if there are any, and ok to all others; with end it is gone after the first.
func speak(conn net.Conn, end bool, pieces ...[]byte) {
	says := make(chan []byte, 10)
	go func() {
		defer conn.Close()
		for text := range says {
			if _, err := conn.Write(text); err != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		for range says { //nolint:revive // until the reader has ended
		}
	}()
	defer close(says)
	in := bufio.NewReader(conn)
	for first := true; ; first = false {
		if _, err := http.ReadRequest(in); err != nil {
			return
		}
		if first && len(pieces[0])+len(pieces[1]) > 0 {
			for _, piece := range pieces {
				if len(piece) > 0 {
					says <- piece
				}
			}
			if end {
				return
			}
			continue
		}
		says <- []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// FuzzRequest: whatever the request is made of, one request with just these fields arrives, or an error.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/a", "x=y", "app.example.com", "X-A", "b")
	f.Add("POST", "//a", "", "[::1]:80", "content-length", "5")
	f.Add("GET", "/a\r\nX: y", "a b", "a\r\nb", "X\nY", "a\r\n\r\nGET / HTTP/1.1")
	f.Add("DELETE", "/%0d%0a", "\x7f", "bücher", "Transfer-encoding", "chunked")
	f.Add("PUT", "/%zz", "?", "a", "transfer-encoding", "chunked")
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value string) {
		r := forwarded(t, "GET", "/", nil)
		r.Method, r.URL.Opaque, r.URL.RawQuery, r.Host = method, path, query, host
		r.Header = http.Header{name: {value}, "X-Last": {"here"}, "User-Agent": {""}}
		if !direct.Suits(r) {
			return
		}
		addr, _ := rogue(t, func(conn net.Conn, _ int32) {
			defer conn.Close()
			in := bufio.NewReader(conn)
			got, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if n := in.Buffered(); n > 0 || got.ContentLength > 0 || got.Header.Get("X-Last") != "here" || len(got.Header) > 3 {
				t.Errorf("%q %q %q %q %q %q became %+v, and %d bytes follow", method, path, query, host, name, value, got, n)
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		})
		u := open(t, upstream.Options{URL: "http://" + addr})
		if _, _, err := do(t, u, r); err == nil && strings.ContainsAny(path+query, "\r\n ") {
			t.Errorf("%q?%q was sent", path, query)
		}
	})
}
