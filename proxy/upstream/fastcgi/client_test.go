package fastcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestExchange(t *testing.T) {
	d := application(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %d %d", r.Method, len(r.Header.Get("Long")), len(body))
	})
	for _, keep := range []bool{false, true} {
		c := newClient(t, d, Options{KeepAlive: keep})
		before := d.dials.Load()
		for _, size := range []int{0, 10, 1_000_000} {
			res, body, err := ask(t, c, "POST", strings.NewReader(strings.Repeat("b", size)))
			if want := fmt.Sprintf("POST 70000 %d", size); err != nil || res.StatusCode != 418 || body != want || len(res.Header["Set-Cookie"]) != 2 {
				t.Errorf("keep %v: %v, %q, %v, want %q", keep, res, body, err, want)
			}
		}
		if n := d.dials.Load() - before; keep && n != 1 || !keep && n != 3 {
			t.Errorf("keep %v: %d connections for three requests", keep, n)
		}
	}
}

const html = "Content-Type: text/html\r\n\r\n"

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		answer, want string
	}{
		"plain":                 {record(typeStdout, html+"hello") + end(0), "200 OK: hello"},
		"with the empty record": {record(typeStdout, html+"hello") + record(typeStdout, "") + end(0), "200 OK: hello"},
		"in pieces":             {record(typeStdout, html[:9]) + record(typeStderr, "oops") + record(typeStdout, html[9:]+"h") + record(typeStdout, "i") + end(0), "200 OK: hi"},
		"bare line feeds":       {record(typeStdout, "Status: 404 Gone Fishing\nX-A: b\n\nno") + end(0), "404 Gone Fishing: no"},
		"status without reason": {record(typeStdout, "Status: 404\r\n\r\n") + end(0), "404 Not Found: "},
		"location":              {record(typeStdout, "Location: /a\r\n\r\n") + end(0), "302 Found: "},
		"location and status":   {record(typeStdout, "Location: /a\r\nstatus: 201 Created\r\n\r\n") + end(0), "201 Created: "},
		"padding":               {"\x01\x06\x00\x01\x00\x06\x03\x00A: b\n\nxyz" + record(typeStdout, "hi") + end(0), "200 OK: hi"},
		"length":                {record(typeStdout, "Content-Length: 2\r\n\r\nhi") + end(0), "200 OK: hi"},
		"output beyond length":  {record(typeStdout, "Content-Length: 2\r\n\r\nhigh") + end(0), "200 OK: hi"},
		"lengths that agree":    {record(typeStdout, "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi") + end(0), "200 OK: hi"},
		"no body, early":        {record(typeStdout, "Status: 304 Not Modified\r\n\r\n"), "304 Not Modified: "},
		"no status of exit":     {record(typeStdout, html) + record(typeEnd, "\x00\x00\x00\x09\x00\x00\x00\x00"), "200 OK: "},
		"latin-1 value":         {record(typeStdout, "X-A: \xe9\r\n\r\n") + end(0), "200 OK: "},
	} {
		t.Run(name, func(t *testing.T) {
			d := rogue(t, func(conn net.Conn) { _, _ = io.WriteString(conn, c.answer) })
			res, body, err := ask(t, newClient(t, d, Options{}), "GET", nil)
			if err != nil || res.Status+": "+body != c.want {
				t.Errorf("%v, %q, %v, want %q", res, body, err, c.want)
			}
		})
	}
}

func TestMisbehaving_F28(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		head   bool // the header comes through, and the body is cut
	}{
		"nothing":               {answer: ""},
		"http":                  {answer: "HTTP/1.1 200 OK\r\n\r\n"},
		"another version":       {answer: "\x02\x06\x00\x01\x00\x00\x00\x00"},
		"another request":       {answer: "\x01\x06\x00\x02\x00\x00\x00\x00"},
		"management record":     {answer: "\x01\x0a\x00\x00\x00\x00\x00\x00"},
		"another type":          {answer: record(typeParams, "x")},
		"half a record header":  {answer: "\x01\x06\x00"},
		"half a header":         {answer: record(typeStdout, "Content-Type: text/html\r\nX-")},
		"end within the header": {answer: record(typeStdout, "Content-Type: text/html\r\n") + end(0)},
		"no header":             {answer: end(0)},
		"status line":           {answer: record(typeStdout, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n") + end(0)},
		"bad status":            {answer: record(typeStdout, "Status: OK\r\n\r\n") + end(0)},
		"long status":           {answer: record(typeStdout, "Status: 2000 OK\r\n\r\n") + end(0)},
		"informational":         {answer: record(typeStdout, "Status: 103 Early Hints\r\n\r\n") + end(0)},
		"switch of protocols":   {answer: record(typeStdout, "Status: 101 Switching Protocols\r\n\r\n") + end(0)},
		"two statuses":          {answer: record(typeStdout, "Status: 200 OK\r\nStatus: 404 Not Found\r\n\r\n") + end(0)},
		"folded line":           {answer: record(typeStdout, "A: b\r\n c\r\n\r\n") + end(0)},
		"space in a name":       {answer: record(typeStdout, "A b: c\r\n\r\n") + end(0)},
		"space before colon":    {answer: record(typeStdout, "A : c\r\n\r\n") + end(0)},
		"NUL in a value":        {answer: record(typeStdout, "A: b\x00c\r\n\r\n") + end(0)},
		"bare CR":               {answer: record(typeStdout, "A: b\rSet-Cookie: x\r\n\r\n") + end(0)},
		"lengths that disagree": {answer: record(typeStdout, "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi") + end(0)},
		"negative length":       {answer: record(typeStdout, "Content-Length: -2\r\n\r\nhi") + end(0)},
		"long line":             {answer: strings.Repeat(record(typeStdout, strings.Repeat("a", 60_000)), 2)},
		"many fields":           {answer: record(typeStdout, strings.Repeat("A: b\r\n", 501)+"\r\n") + end(0)},
		"empty records":         {answer: strings.Repeat(record(typeStderr, ""), 1100)},
		"overloaded":            {answer: end(2)},
		"short end":             {answer: record(typeStdout, html) + record(typeEnd, "\x00"), head: true},
		"no end":                {answer: record(typeStdout, html+"hello"), head: true},
		"no end but the empty":  {answer: record(typeStdout, html+"hello") + record(typeStdout, ""), head: true},
		"output after its end":  {answer: record(typeStdout, html) + record(typeStdout, "") + record(typeStdout, "x") + end(0), head: true},
		"cut record":            {answer: record(typeStdout, html) + record(typeStdout, "hello")[:10], head: true},
		"shorter than promised": {answer: record(typeStdout, "Content-Length: 9\r\n\r\nhello") + end(0), head: true},
		"refused at the end":    {answer: record(typeStdout, html) + end(3), head: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := rogue(t, func(conn net.Conn) { _, _ = io.WriteString(conn, c.answer) })
			res, body, err := ask(t, newClient(t, d, Options{KeepAlive: true}), "GET", nil)
			if err == nil || (res != nil) != c.head {
				t.Errorf("got %v, %q, %v, want an error, after a header: %v", res, body, err, c.head)
			}
			if n := d.dials.Load(); n != 1 {
				t.Errorf("%d connections: a fresh one that fails must not be tried again", n)
			}
		})
	}
}

// A connection whose answer was followed by anything is not used again.
func TestPoison_F28(t *testing.T) {
	hello := record(typeStdout, "Content-Length: 2\r\n\r\nhi") + end(0)
	for name, answer := range map[string]string{"another answer": hello + record(typeStdout, "A: b\r\n\r\npoison") + end(0),
		"output beyond length": record(typeStdout, "Content-Length: 2\r\n\r\nhi"+"A: b\r\n\r\npoison") + end(0)} {
		t.Run(name, func(t *testing.T) {
			d := rogue(t, func(conn net.Conn) {
				for {
					if _, err := io.WriteString(conn, answer); err != nil || readRequest(conn) != nil {
						return
					}
				}
			})
			c := newClient(t, d, Options{KeepAlive: true})
			for i := range 3 {
				if _, body, err := ask(t, c, "GET", nil); body != "hi" || err != nil || d.dials.Load() != int32(i+1) {
					t.Errorf("%q, %v on connection %d, want hi on a fresh one", body, err, d.dials.Load())
				}
			}
		})
	}
}

// A kept connection that the application ends with the next request: that one is sent again only when it may be.
func TestRetry_F28(t *testing.T) {
	for _, c := range []struct {
		method, body string
		again        bool
	}{{"GET", "", true}, {"PUT", "", true}, {"PUT", "x", false}, {"POST", "", false}, {"POST", "x", false}} {
		t.Run(c.method+" "+c.body, func(t *testing.T) {
			first := true
			d := rogue(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, record(typeStdout, html)+end(0))
				if first {
					first = false
					_ = readRequest(conn) // and never an answer
				}
			})
			client := newClient(t, d, Options{KeepAlive: true})
			if _, _, err := ask(t, client, "GET", nil); err != nil {
				t.Fatal(err)
			}
			var body io.Reader
			if c.body != "" {
				body = strings.NewReader(c.body)
			}
			if _, _, err := ask(t, client, c.method, body); (err == nil) != c.again {
				t.Errorf("%v, want an answer: %v", err, c.again)
			}
		})
	}
}

// A kept connection that was closed meanwhile is seen before anything is sent.
func TestClosedWhileIdle(t *testing.T) {
	d := rogue(t, func(conn net.Conn) { _, _ = io.WriteString(conn, record(typeStdout, html)+end(0)) })
	c := newClient(t, d, Options{KeepAlive: true})
	for range 3 {
		if _, _, err := ask(t, c, "POST", strings.NewReader("x")); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestStderr(t *testing.T) {
	var shown []string
	d := rogue(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, record(typeStderr, "before")+record(typeStdout, html+"hi")+
			strings.Repeat(record(typeStderr, strings.Repeat("x", 60_000)), 20)+end(0))
	})
	c := newClient(t, d, Options{Stderr: func(_ context.Context, text string) { shown = append(shown, text) }})
	if _, body, err := ask(t, c, "GET", nil); err != nil || body != "hi" {
		t.Errorf("%q, %v", body, err)
	}
	if all := strings.Join(shown, ""); shown[0] != "before" || len(all) != maxStderr {
		t.Errorf("%d bytes, first %.20q, want %d", len(all), shown[0], maxStderr)
	}
}

// failing is a body that breaks off, as a client's does.
type failing struct{ read bool }

var errClient = errors.New("client is gone")

func (f *failing) Read(p []byte) (int, error) {
	if f.read {
		return 0, errClient
	}
	f.read = true
	return len(p), nil
}

func TestClientBreaksOff(t *testing.T) {
	whole := make(chan error, 1)
	d := listen(t, func(l net.Listener) {
		conn, err := l.Accept()
		if err == nil {
			whole <- readRequest(conn)
			conn.Close()
		}
	})
	_, _, err := ask(t, newClient(t, d, Options{}), "POST", &failing{})
	if !errors.Is(err, errClient) {
		t.Errorf("%v, want the client's error", err)
	}
	if err := <-whole; err == nil {
		t.Error("the application saw the end of a body that had none")
	}
}

// An application may answer without reading the body.
func TestEarlyAnswer(t *testing.T) {
	d := listen(t, func(l net.Listener) {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, record(typeStdout, "Status: 413 Content Too Large\r\n\r\nno")+end(0))
			_, _ = io.CopyN(io.Discard, conn, 1<<20)
			conn.Close()
		}
	})
	for range 20 {
		res, body, err := ask(t, newClient(t, d, Options{KeepAlive: true}), "POST", strings.NewReader(strings.Repeat("x", 8<<20)))
		if err != nil || res.StatusCode != 413 || body != "no" {
			t.Errorf("%v, %q, %v", res, body, err)
		}
	}
}

func TestCancel(t *testing.T) {
	for name, answer := range map[string]string{"before the header": "", "in the body": record(typeStdout, html)} {
		t.Run(name, func(t *testing.T) {
			came, gone := make(chan struct{}), make(chan struct{})
			d := rogue(t, func(conn net.Conn) {
				_, _ = io.WriteString(conn, answer)
				close(came)
				_, _ = io.Copy(io.Discard, conn) // until the client ends it
				close(gone)
			})
			ctx, cancel := context.WithCancelCause(t.Context())
			go func() { <-came; cancel(errClient) }()
			r, params := request(t, "GET", nil)
			res, err := newClient(t, d, Options{}).Do(r.WithContext(ctx), params)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if !errors.Is(err, errClient) {
				t.Errorf("%v, want the reason of the end", err)
			}
			<-gone
		})
	}
}

func TestHeaderTimeout_F28(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far) //nolint:errcheck // the silent application
		defer far.Close()
		c := New(Options{HeaderTimeout: time.Minute, Dial: func(context.Context) (net.Conn, error) { return near, nil }})
		began := time.Now()
		_, _, err := ask(t, c, "POST", strings.NewReader("x"))
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v, want a time-out after a minute", time.Since(began), err)
		}
	})
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		c := New(Options{KeepAlive: true, MaxIdle: 1, IdleTimeout: time.Minute, Dial: func(context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer close(ended)
				for readRequest(far) == nil {
					_, _ = io.WriteString(far, record(typeStdout, html)+end(0))
				}
			}()
			return near, nil
		}})
		began := time.Now()
		if _, _, err := ask(t, c, "GET", nil); err != nil {
			t.Fatal(err)
		}
		<-ended
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the idle connection ended after %v, want a minute", took)
		}
	})
}
