package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func discardLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestAccessRecord_16_1_1(t *testing.T) {
	g := newRig(t, settings{trusted: []string{"127.0.0.0/8"}})
	g.get("/page?secret=1", "Cookie", session(g.login("1")), "X-Request-Id", "abc-1", "X-Forwarded-For", "192.0.2.1")
	g.log.waitFor(t, `"msg":"request"`)
	var got map[string]any
	if err := json.Unmarshal([]byte(g.log.String()), &got); err != nil {
		t.Fatalf("%v: %s", err, g.log)
	}
	for name, want := range map[string]any{
		"request_id": "abc-1", "user_id": "1", "client": "192.0.2.1", "host": "app.example.com", "method": "GET", "path": "/page", "status": 200.0,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	if _, ok := got["dur_ms"]; !ok || strings.Contains(g.log.String(), "secret") {
		t.Errorf("record %s", g.log)
	}
}

func TestNoControlBytesInLogs_16_4_1(t *testing.T) {
	for in, want := range map[string]string{
		"plain /x?": "plain /x?", "a\nb\x1b[31m": `a\nb\x1b[31m`, "\u202egpj": `\u202egpj`, "\xff": `\xff`, "\u0085": `\u0085`,
	} {
		if got := plain(in); got != want {
			t.Errorf("plain(%q) = %q, want %q", in, got, want)
		}
	}
	if got := plain(strings.Repeat("x", 5000)); len(got) > maxLogged+16 {
		t.Errorf("%d bytes in one field", len(got))
	}
	g := newRig(t, settings{})
	g.get("/%1b[31m\xe2\x80\xae")
	g.log.waitFor(t, `/%1b[31m\\u202e`)
	if strings.ContainsAny(strings.TrimSpace(g.log.String()), "\x1b\u202e") {
		t.Errorf("log %q", g.log)
	}
}

func TestPanicEndsOneRequest_16_5_4(t *testing.T) {
	g := newRig(t, settings{})
	for name, portal := range map[string]http.HandlerFunc{
		"before the answer": func(http.ResponseWriter, *http.Request) { panic("oops") },
		"in the answer":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "half"); panic("oops") },
	} {
		t.Run(name, func(t *testing.T) {
			g.handler.portal = portal
			text := g.raw("GET /.auth/x HTTP/1.1\r\n" + hostLine + "Connection: close\r\n\r\n")
			if name == "before the answer" && (statusOf(text) != 500 || strings.Contains(text, "oops")) || name == "in the answer" && text != "" {
				t.Errorf("answer %q", text)
			}
			g.log.waitFor(t, `"err":"panic: oops"`)
		})
	}
	if res := g.get("/"); res.StatusCode != 401 {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

func TestClientLeft_499(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}}})
	asked, left := make(chan struct{}), make(chan error, 1)
	g.app.serve(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		left <- r.Context().Err()
	})
	conn := g.dial()
	fmt.Fprintf(conn, "GET /slow HTTP/1.1\r\n%s\r\n", hostLine)
	<-asked
	conn.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("upstream's request: %v", err)
	}
	g.log.waitFor(t, `"status":499`)
}

// The writer wrapper is transparent: interim answers, flushes, hijacking and deadlines go through.
func TestWriterIsTransparent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &record{ResponseWriter: w}
		rec.Header().Set("Link", "</x>")
		rec.Header().Set("Set-Cookie", "sessionid=early")
		rec.WriteHeader(http.StatusEarlyHints)
		if rec.status != 0 {
			t.Errorf("status %d after an interim answer", rec.status)
		}
		if err := http.NewResponseController(rec).SetReadDeadline(rec.arrivalTime()); err != nil {
			t.Errorf("deadline: %v", err)
		}
		rec.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(rec, "gone")
		rec.Flush()
		if rec.status != 404 || rec.bytes != 4 {
			t.Errorf("status %d, %d bytes", rec.status, rec.bytes)
		}
		if _, ok := any(rec).(http.Hijacker); !ok {
			t.Error("no hijacker")
		}
	}))
	defer s.Close()
	conn := dialServer(t, s)
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	text, err := io.ReadAll(bufio.NewReader(conn))
	interim, final, _ := strings.Cut(string(text), "\r\n\r\n")
	if err != nil || !strings.HasPrefix(interim, "HTTP/1.1 103 ") || strings.Contains(interim, "sessionid") || statusOf(final) != 404 {
		t.Errorf("%q, %v", text, err)
	}
}
