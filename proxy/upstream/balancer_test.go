package upstream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coatcheck/proxy/facts"
	"coatcheck/proxy/upstream"
)

func balance(t testing.TB, o upstream.BalancerOptions, urls ...string) *upstream.Balancer {
	t.Helper()
	var members []*upstream.Upstream
	for _, raw := range urls {
		u, err := upstream.New(upstream.Options{URL: raw, ResponseHeaderTimeout: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, u)
	}
	b, err := upstream.NewBalancer(members, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// named is an application that says its name and counts.
func named(t testing.TB, name string) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, name+" "+r.URL.Path+" "+r.Header.Get("Cookie"))
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestNewBalancerRefuses(t *testing.T) {
	a, _ := upstream.New(upstream.Options{URL: "http://a/one"})
	b, _ := upstream.New(upstream.Options{URL: "http://b/two"})
	if _, err := upstream.NewBalancer(nil, upstream.BalancerOptions{}); err == nil {
		t.Error("an empty list was accepted")
	}
	if _, err := upstream.NewBalancer([]*upstream.Upstream{a, b}, upstream.BalancerOptions{}); err == nil {
		t.Error("two paths were accepted")
	}
	if _, err := upstream.NewBalancer([]*upstream.Upstream{a}, upstream.BalancerOptions{Check: upstream.Check{Path: "x"}}); err == nil {
		t.Error("a relative path to check was accepted")
	}
}

// A member that fails before the first byte costs a GET nothing; a POST is never sent twice, nor is anything with a body, nor what
// has begun to be answered.
func TestBalancerRetry_F28(t *testing.T) {
	down := func(t *testing.T) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().String()
	}
	for name, c := range map[string]struct {
		method, body string
		first        func(t *testing.T) string
		again        bool
	}{
		"GET, down":              {"GET", "", down, true},
		"GET, reset":             {"GET", "", rogueAddr(func(conn net.Conn, _ int32) { reset(conn) }), true},
		"GET, garbage":           {"GET", "", rogueAddr(says("SSH-2.0\r\n\r\n")), false},
		"GET, half a header":     {"GET", "", rogueAddr(says("HTTP/1.1 200 OK\r\n")), false},
		"GET, interim, then end": {"GET", "", rogueAddr(says("HTTP/1.1 103 Early Hints\r\n\r\n")), false},
		"DELETE, down":           {"DELETE", "", down, true},
		"PUT with a body, down":  {"PUT", "x", down, false},
		"POST, down":             {"POST", "", down, false},
		"POST, reset":            {"POST", "", rogueAddr(func(conn net.Conn, _ int32) { reset(conn) }), false},
		"PATCH, down":            {"PATCH", "", down, false},
	} {
		t.Run(name, func(t *testing.T) {
			second, asked := named(t, "second")
			b := balance(t, upstream.BalancerOptions{Policy: upstream.RoundRobin}, "http://"+c.first(t), second)
			var body io.Reader
			if c.body != "" {
				body = strings.NewReader(c.body)
			}
			_, text, err := do(t, b, forwarded(t, c.method, "/p%2Fq", body))
			if c.again && (err != nil || text != "second /p/q ") || !c.again && (err == nil || asked.Load() != 0) {
				t.Errorf("%q, %v, the second was asked %d times, want a second try: %v", text, err, asked.Load(), c.again)
			}
		})
	}
}

func rogueAddr(serve func(net.Conn, int32)) func(t *testing.T) string {
	return func(t *testing.T) string {
		addr, _ := rogue(t, serve)
		return addr
	}
}

func TestAffinity(t *testing.T) {
	first, _ := named(t, "first")
	second, _ := named(t, "second")
	b := balance(t, upstream.BalancerOptions{Policy: upstream.RoundRobin, AffinityCookie: "place"}, first, second)
	r := forwarded(t, "GET", "/", nil)
	res, text, err := do(t, b, r.WithContext(facts.With(r.Context(), facts.Facts{Secure: true})))
	if err != nil || len(res.Cookies()) != 1 {
		t.Fatalf("%q, %v, %v, want a cookie", text, res, err)
	}
	cookie := res.Cookies()[0]
	if cookie.Name != "place" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
		t.Errorf("cookie %v", cookie)
	}
	for range 4 {
		r := forwarded(t, "GET", "/", nil)
		r.Header["Cookie"] = []string{"a=1; place=" + cookie.Value + "; b=\"2 3\"", "place=x"}
		res, again, err := do(t, b, r)
		if want := strings.TrimSpace(text) + ` a=1; b="2 3"`; err != nil || again != want || len(res.Cookies()) != 0 || len(r.Header["Cookie"]) != 2 {
			t.Errorf("%q, %v, %v, want %q and no new cookie", again, res, err, want)
		}
	}
}

// pipes is a listener whose connections are within a synctest bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func TestHealthChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sick atomic.Bool
		var hosts atomic.Value
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hosts.Store(r.Host + r.URL.Path)
			if sick.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})}
		p := newPipes()
		go s.Serve(p) //nolint:errcheck // ends with the test
		u, err := upstream.New(upstream.Options{URL: "http://app/base", MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		u.SetDialer(p.dial)
		b, err := upstream.NewBalancer([]*upstream.Upstream{u}, upstream.BalancerOptions{
			Check: upstream.Check{Path: "/healthz", Host: "check.example.com", Interval: 10 * time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Run(ctx) }()
		synctest.Wait()
		if hosts.Load() != "check.example.com/base/healthz" {
			t.Errorf("asked %v", hosts.Load())
		}
		expect := func(after time.Duration, well bool) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			_, _, err := do(t, b, forwarded(t, "GET", "/base/", nil))
			if b.Status()[0].Well != well || errors.Is(err, upstream.ErrUnavailable) == well {
				t.Errorf("well: %v, %v, want %v", b.Status()[0].Well, err, well)
			}
		}
		expect(time.Second, true)
		sick.Store(true)
		expect(10*time.Second, true) // one failed check may be chance
		expect(10*time.Second, false)
		sick.Store(false)
		expect(10*time.Second, true)
		cancel()
		<-ended
		b.Close()
		s.Close()
	})
}
