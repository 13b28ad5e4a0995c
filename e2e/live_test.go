package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// events is an application that sends one event and then nothing, until its visitor leaves.
func events(t *testing.T) *httptest.Server {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: begun\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(app.Close)
	return app
}

// listen begins to read events and returns a channel that is closed when they end.
func (v *visitor) listen(path string) <-chan struct{} {
	v.t.Helper()
	res, err := v.client.Do(v.request(http.MethodGet, path, ""))
	if err != nil {
		v.t.Fatal(err)
	}
	in := bufio.NewReader(res.Body)
	if line, err := in.ReadString('\n'); line != "data: begun\n" {
		v.t.Fatalf("%s %q %v", res.Status, line, err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); defer res.Body.Close(); _, _ = io.Copy(io.Discard, in) }()
	return ended
}

func waitEnd(t *testing.T, what string, ended <-chan struct{}) {
	t.Helper()
	select {
	case <-ended:
	case <-time.After(20 * time.Second): // far above the bounds, which only a quiet machine keeps
		t.Errorf("%s: the events go on", what)
	}
}

// What began with a session ends with it, however it ends, and whatever configuration it began under.
func TestLiveConnections_7_4_1(t *testing.T) {
	t.Parallel()
	app := events(t)
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = fmt.Sprintf("upstream: %q\n", app.URL)
	p := serve(t, serveOptions{Config: s.yaml()})
	for _, name := range []string{"alice", "bob"} {
		p.addUser(name)
	}
	alice, bob := newVisitor(t, p.URL), newVisitor(t, p.URL)
	alice.login("alice", userPassword)
	bob.login("bob", userPassword)
	before, others := alice.listen("/events"), bob.listen("/events")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if strings.Contains(p.stderr.String(), "loaded anew") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	after := alice.listen("/events")
	alice.logout()
	waitEnd(t, "logout, begun before the reload", before)
	waitEnd(t, "logout, begun after the reload", after)
	select {
	case <-others:
		t.Error("another user's events ended")
	default:
	}
	if out, err := p.run("", "session", "delete", "--user", "bob", "--config", p.dir+"/config.yaml"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	waitEnd(t, "session deleted by the command", others)
	if len(p.events("session_ended")) == 0 {
		t.Error("no event session_ended in the log")
	}
}

// A load balancer in front that speaks TCP alone.
func TestProxyProtocol_4_1_3(t *testing.T) {
	t.Parallel()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = fmt.Sprintf("proxy_protocol: true\ntrusted_proxies: [127.0.0.1]\nroutes: [{path: /, access: public, upstream: %q, networks: [192.0.2.0/24]}]\n", recorder(t).URL)
	p := serve(t, serveOptions{Config: s.yaml()})
	for announced, want := range map[string]string{"192.0.2.7": "200 OK", "198.51.100.7": "403 Forbidden"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "PROXY TCP4 %s 127.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n", announced)
		text, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !bytes.HasPrefix(text, []byte("HTTP/1.1 "+want)) || want == "200 OK" && !bytes.Contains(text, []byte(`"X-Forwarded-For":["192.0.2.7"]`)) {
			t.Errorf("%s: %v %.400q, want %s", announced, err, text, want)
		}
	}
}
