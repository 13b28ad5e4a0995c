package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
)

// liveRig is a rig whose register runs, and whose upstream begins answers and goes on until the request ends.
func liveRig(t *testing.T, every time.Duration) (g *rig, gone chan struct{}) {
	t.Helper()
	g = newRig(t, settings{routes: []Route{
		{Path: "/", Access: Access{Mode: ModeLogin}},
		{Path: "/dev", Access: Access{Mode: ModeLogin, Groups: []string{"dev"}}},
		{Path: "/maybe", Access: Access{Mode: ModeOptional}},
		{Path: "/open", Access: Access{Mode: ModePublic}},
	}})
	gone = make(chan struct{}, 8)
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		defer func() { gone <- struct{}{} }()
		switch {
		case strings.HasSuffix(r.URL.Path, "/ws"):
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "begun\n")
			_, _ = io.Copy(io.Discard, conn)
			return
		case strings.HasSuffix(r.URL.Path, "/events"):
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			_, _ = io.WriteString(w, "begun\n")
		case strings.HasSuffix(r.URL.Path, "/download"):
			w.Header().Set("Content-Length", "1000000")
			_, _ = io.WriteString(w, "begun\n")
		}
		if !strings.HasSuffix(r.URL.Path, "/poll") {
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	g.live.every = every
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); g.live.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return g, gone
}

// begin sends a request and reads until its answer has begun.
func (g *rig) begin(path, cookie string) (net.Conn, *bufio.Reader) {
	g.t.Helper()
	conn := g.dial()
	connection := "close"
	if strings.HasSuffix(path, "/ws") {
		connection = "Upgrade\r\nUpgrade: websocket"
	}
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\n%sCookie: %s\r\nConnection: %s\r\n\r\n", path, hostLine, cookie, connection)
	in := bufio.NewReader(conn)
	for !strings.HasSuffix(path, "/poll") {
		line, err := in.ReadString('\n')
		if err != nil {
			g.t.Fatalf("%s: %v", path, err)
		}
		if line == "begun\n" {
			break
		}
	}
	for range 500 { // the poll is on its way when the upstream has it
		if g.app.requests() > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return conn, in
}

// closed waits for the end of the connection and returns what came before it.
func closed(t *testing.T, in *bufio.Reader, gone chan struct{}) string {
	t.Helper()
	rest, err := io.ReadAll(in)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the connection stays open")
	}
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		t.Error("the upstream's request goes on")
	}
	return string(rest)
}

// Sessions that end where nobody tells us: in the store, by a deleted user, by a lost group.
func TestLiveEndsWithSession_7_4_1_7_4_2(t *testing.T) {
	for _, c := range []struct {
		name, path string
		end        func(g *rig, key string)
	}{
		{"WebSocket", "/ws", func(g *rig, key string) { _ = g.store.Delete(context.Background(), key) }},
		{"events", "/events", func(g *rig, key string) { _ = g.store.Delete(context.Background(), key) }},
		{"events of an optional route", "/maybe/events", func(g *rig, key string) { _ = g.store.Delete(context.Background(), key) }},
		{"user gone", "/ws", func(g *rig, key string) { g.users.set("1", auth.Principal{}) }},
		{"password changed", "/ws", func(g *rig, key string) { g.users.mu.Lock(); g.users.flush = true; g.users.mu.Unlock() }},
		{"group lost", "/dev/ws", func(g *rig, key string) { g.users.set("1", auth.Principal{ID: "1", Username: "alice"}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, gone := liveRig(t, 10*time.Millisecond)
			key := g.login("1")
			_, in := g.begin(c.path, session(key))
			other, _ := g.begin("/open/ws", session(key)) // nobody looked at the session there
			c.end(g, key)
			closed(t, in, gone)
			g.log.waitFor(t, `"event":"session_ended"`)
			_ = other.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := other.Read(make([]byte, 1)); !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(fmt.Sprint(err), "timeout") {
				t.Errorf("the public one: %v, want it open", err)
			}
		})
	}
}

// A logout in this process; the register's own round never comes.
func TestLiveEndsAtLogout_7_4_1(t *testing.T) {
	for path, want := range map[string]string{"/ws": "", "/events": "", "/download": "", "/poll": "HTTP/1.1 401 "} {
		t.Run(path, func(t *testing.T) {
			g, gone := liveRig(t, time.Hour)
			key := g.login("1")
			_, in := g.begin(path, session(key))
			g.live.End(key)
			if rest := closed(t, in, gone); !strings.HasPrefix(rest, want) || want != "" && !strings.Contains(rest, "Your session has ended") {
				t.Errorf("%q, want %q", rest, want)
			}
		})
	}
}

func TestLiveLeavesOthers(t *testing.T) {
	g, _ := liveRig(t, 10*time.Millisecond)
	ended, stays := g.login("1"), g.login("1")
	_, in := g.begin("/ws", session(ended))
	conn, rest := g.begin("/ws", session(stays))
	g.live.End(ended)
	_, _ = io.ReadAll(in)
	g.store.mu.Lock()
	g.store.down = errors.New("connection refused")
	g.store.mu.Unlock()
	_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	var timeout net.Error
	if _, err := rest.ReadByte(); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("F01 another session, and a store that is down: %v, want it open", err)
	}
}

// A request that has just begun may finish.
func TestLiveLetsShortOnesFinish(t *testing.T) {
	g, _ := liveRig(t, time.Hour)
	key := g.login("1")
	began, goOn := make(chan struct{}), make(chan struct{})
	g.app.serve(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-goOn
		_, _ = io.WriteString(w, "done")
	})
	go func() { <-began; g.live.End(key); close(goOn) }()
	if a := g.get("/", "Cookie", session(key)); a.StatusCode != 200 || a.body != "done" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	for range 500 { // the client has its answer a little earlier
		if g.live.size() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d sessions are left in the register", g.live.size())
}

func (l *Live) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.flights)
}

func BenchmarkLive(b *testing.B) {
	l := NewLive(nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f := &flight{key: "0123456789abcdef0123456789abcdef"}
			l.enter(context.Background(), f)
			l.leave(f)
		}
	})
}
