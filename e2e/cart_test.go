package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const carts = "../deploy/examples/session-api/"

// The examples are what they say: an anonymous cart, kept through the login, gone after the logout.
func TestCarts(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T, api string) (addr string){
		"curl":   cgiCart,
		"python": func(t *testing.T, api string) string { return program(t, api, "python3", carts+"python/cart.py") },
		"php":    phpCart,
		"node":   func(t *testing.T, api string) string { return program(t, api, "node", carts+"node/cart.mjs") },
		"go":     goCart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := freeAddr(t)
			s := newSettings(t, engine{session: "db", hash: "md5"})
			s.extra = "session_api: {listen: '" + api + "'}\nroutes:\n  - {path: /, upstream: 'http://" + start(t, "http://"+api) + "', access: optional, session_api: true}\n"
			p := serve(t, serveOptions{Config: s.yaml()})
			p.addUser("alice")
			walkWithCart(t, p)
		})
	}
}

func walkWithCart(t *testing.T, p *process) {
	v := newVisitor(t, p.URL)
	shows := func(when, user string, items ...string) {
		t.Helper()
		a := v.get("/")
		first, rest, _ := strings.Cut(a.Text, "\n")
		var cart []string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(rest, "cart: ")), &cart); err != nil || first != "user: "+user || !slices.Equal(cart, items) {
			t.Errorf("%s: %s %q, %v; want user %s, cart %q", when, a.Status, a.Text, err, user, items)
		}
	}
	add := func(item string) {
		t.Helper()
		if a := v.post("/add?item="+url.QueryEscape(item), nil); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("add %s: %s %s", item, a.Status, a.Text)
		}
	}
	shows("F34 at first", "-")
	if v.cookie("sessionid") != "" {
		t.Error("F34: a visitor who stored nothing got a cookie")
	}
	add("apples")
	anonymous := v.cookie("sessionid")
	if anonymous == "" {
		t.Fatal("no cookie came with the first item")
	}
	add("pears")
	shows("anonymous", "-", "apples", "pears")
	v.login("alice", userPassword)
	if v.cookie("sessionid") == anonymous {
		t.Error("7.2.4: the login kept the key")
	}
	shows("after the login", "alice", "apples", "pears")
	add("plums")
	shows("logged in", "alice", "apples", "pears", "plums")
	key := v.cookie("sessionid")
	v.logout()
	shows("after the logout", "-")
	for _, old := range []string{anonymous, key} {
		if a := visitorWith(t, p.URL, old).get("/"); !strings.HasPrefix(a.Text, "user: -\ncart: []") {
			t.Errorf("7.4.1: with an old cookie: %s", a.Text)
		}
	}
}

// needs gives the path of a program; without it the test is skipped, and fails where everything has to be there.
func needs(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	return path
}

// program starts an application that listens on PORT, and waits until it does.
func program(t *testing.T, api string, command ...string) string {
	t.Helper()
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	return runAt(t, addr, exec.Command(needs(t, command[0]), command[1:]...), "PORT="+port, "SESSION_API="+api)
}

func runAt(t *testing.T, addr string, c *exec.Cmd, env ...string) string {
	t.Helper()
	var log lockedBuffer
	c.Env, c.Stdout, c.Stderr = append(cleanEnv(), env...), &log, &log
	c.WaitDelay = time.Second // a child of its own may have the pipes
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("log of the application:\n%s", log.String())
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
	}
	t.Fatalf("the application does not listen\n%s", log.String())
	return ""
}

func phpCart(t *testing.T, api string) string {
	addr := freeAddr(t)
	return runAt(t, addr, exec.Command(needs(t, "php"), "-S", addr, carts+"php/cart.php"), "SESSION_API="+api)
}

func goCart(t *testing.T, api string) string {
	binary := filepath.Join(t.TempDir(), "cart")
	if out, err := exec.Command("go", "build", "-o", binary, carts+"go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program(t, api, binary)
}

// cgiCart serves the shell script as a web server does.
func cgiCart(t *testing.T, api string) string {
	needs(t, "curl")
	script, err := filepath.Abs(carts + "curl/cart.sh")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&cgi.Handler{Path: script, Env: []string{"SESSION_API=" + api}})
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}
