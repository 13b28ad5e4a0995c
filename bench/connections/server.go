package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/fcgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const password = "correct horse battery"

// applications answer at once and then say nothing more.
type applications struct {
	http *httptest.Server
	fcgi net.Listener
}

func newApplications() (*applications, error) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/ws"):
			upgrade(w)
		case strings.HasSuffix(r.URL.Path, "/poll"):
			<-r.Context().Done()
		case strings.HasSuffix(r.URL.Path, "/events"), strings.HasSuffix(r.URL.Path, "/stream"):
			w.Header().Set("Content-Type", map[bool]string{true: "text/event-stream", false: "text/plain"}[strings.HasSuffix(r.URL.Path, "/events")])
			_, _ = io.WriteString(w, "data: first\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			_, _ = io.WriteString(w, "hello")
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	// Not the request's context: net/http/fcgi tells it of no end, so these go on until the program ends.
	go func() { _ = fcgi.Serve(l, endless{}) }()
	return &applications{httptest.NewServer(handler), l}, nil
}

type endless struct{}

func (endless) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: first\n\n")
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
	<-context.Background().Done()
}

func upgrade(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn)
}

// server is a running proxy.
type server struct {
	cmd            *exec.Cmd
	address, admin string
	cookie         string

	failure error // of the connections, the last
}

func start(binary, parent string, apps *applications, collector string) (*server, error) {
	dir, err := os.MkdirTemp(parent, "run-")
	if err != nil {
		return nil, err
	}
	s := &server{address: freeAddress(), admin: freeAddress()}
	config := fmt.Sprintf("upstream: %s\nfastcgi: {root: /srv}\nlog: {level: error}\nroutes:\n  - {path: /}\n  - {path: /fcgi, upstream: 'fcgi://%s'}\n", apps.http.URL, apps.fcgi.Addr())
	file := dir + "/config.yaml"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	env := append(os.Environ(), "COATCHECK_LISTEN="+s.address, "COATCHECK_ADMIN_LISTEN="+s.admin, "COATCHECK_DATA_DIR="+dir, "GOGC="+collector)
	add := exec.Command(binary, "user", "add", "alice", "--password-stdin", "--config", file)
	add.Env, add.Stdin = env, strings.NewReader(password)
	if out, err := add.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("user add: %w\n%s", err, out)
	}
	s.cmd = exec.Command(binary, "serve", "--config", file)
	s.cmd.Env, s.cmd.Stderr = env, os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, s.login()
}

func (s *server) login() error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true}}
	for range 500 {
		res, err := client.PostForm("http://"+s.address+"/.auth/login", url.Values{"username": {"alice"}, "password": {password}})
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		res.Body.Close()
		for _, c := range res.Cookies() {
			if c.Name == "sessionid" && c.MaxAge >= 0 {
				s.cookie = c.Name + "=" + c.Value
			}
		}
		if s.cookie == "" {
			return fmt.Errorf("login: %s", res.Status)
		}
		return nil
	}
	return fmt.Errorf("no answer at %s", s.address)
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return ""
	}
	defer l.Close()
	return l.Addr().String()
}

// openAll opens connections, 32 at a time; those that fail are left out.
func (s *server) openAll(k kind, count int) []net.Conn {
	var mu sync.Mutex
	var conns []net.Conn
	var all sync.WaitGroup
	turns := make(chan struct{}, 32)
	for range count {
		turns <- struct{}{}
		all.Go(func() {
			defer func() { <-turns }()
			conn, err := s.open(k)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.failure = err
				return
			}
			conns = append(conns, conn)
		})
	}
	all.Wait()
	return conns
}

// open asks, and reads the answer as far as it goes.
func (s *server) open(k kind) (net.Conn, error) {
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"+
		"Accept-Language: en-GB,en;q=0.9\r\nCookie: %s\r\n%s\r\n", k.path, s.address, s.cookie, k.header)
	if err != nil || k.path == "/poll" {
		return conn, err
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusSwitchingProtocols {
		return nil, errors.New(res.Status)
	}
	if k.open {
		_, err = res.Body.Read(make([]byte, 100))
	} else if res.StatusCode == http.StatusOK {
		_, err = io.Copy(io.Discard, res.Body)
	}
	_ = conn.SetReadDeadline(time.Time{})
	return conn, err
}

// memory is what the process has, in bytes.
type memory struct{ rss, heap, stacks, goroutines float64 }

func (m memory) since(before memory, count int) memory {
	n := float64(count)
	return memory{(m.rss - before.rss) / n, (m.heap - before.heap) / n, (m.stacks - before.stacks) / n, (m.goroutines - before.goroutines) / n}
}

func (s *server) memory() (memory, error) {
	res, err := http.Get("http://" + s.admin + "/metrics")
	if err != nil {
		return memory{}, err
	}
	defer res.Body.Close()
	values := map[string]float64{}
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		values[name], _ = strconv.ParseFloat(value, 64)
	}
	return memory{values["process_resident_memory_bytes"], values["go_memstats_heap_alloc_bytes"], values["go_memstats_stack_inuse_bytes"], values["go_goroutines"]}, nil
}
