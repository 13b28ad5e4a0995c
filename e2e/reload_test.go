package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// stage is an application with a page that is as slow as the test wants and a WebSocket that echoes.
type stage struct {
	*httptest.Server
	entered chan struct{} // a slow request has come
	release chan struct{} // lets one slow request go on
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{entered: make(chan struct{}, 10), release: make(chan struct{}, 10)}
	mux := http.NewServeMux()
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		s.entered <- struct{}{}
		select {
		case <-s.release:
			_, _ = io.WriteString(w, "slow but whole")
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer conn.CloseNow()
		for {
			kind, text, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, text) != nil {
				return
			}
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "application") })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// dialEcho opens a WebSocket through the proxy and returns what says a word and hears it again.
func dialEcho(t *testing.T, p *process) (say func(word string) error, closeNow func()) {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(p.URL, "http", "ws", 1)+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	return func(word string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := conn.Write(ctx, websocket.MessageText, []byte(word)); err != nil {
			return err
		}
		_, heard, err := conn.Read(ctx)
		if err == nil && string(heard) != word {
			err = fmt.Errorf("heard %q, want %q", heard, word)
		}
		return err
	}, func() { conn.CloseNow() }
}

// configure writes the configuration file as editors do: another file under its name.
func (p *process) configure(text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, "config.yaml")
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		p.t.Fatal(err)
	}
}

// reload sends SIGHUP and waits until the configuration was loaded, or refused.
func (p *process) reload() (loaded bool) {
	p.t.Helper()
	count := func(result string) float64 {
		return p.metrics()[`coatcheck_config_reloads_total{result="`+result+`"}`]
	}
	good, bad := count("ok"), count("error")
	p.cmd.Process.Signal(syscall.SIGHUP)
	soon(p.t, "the configuration is loaded or refused", func() bool { return count("ok") > good || count("error") > bad })
	return count("ok") > good
}

func (v *visitor) status(path string) int { return v.fetch(path).StatusCode }

const openRoutes = "routes:\n  - {path: /, access: public, upstream: %q}\n"

func TestReload_F25(t *testing.T) {
	app := newStage(t)
	good := fmt.Sprintf(openRoutes, app.URL)
	p := serve(t, serveOptions{Config: good})
	v := newVisitor(t, p.URL)
	if got := v.status("/"); got != 200 {
		t.Fatalf("public route: got %d, want 200", got)
	}

	t.Run("SIGHUP", func(t *testing.T) {
		p.configure(good + "  - {path: /closed, access: deny}\n")
		if !p.reload() || v.status("/closed") != 403 || v.status("/") != 200 {
			t.Errorf("a new route is not in force: /closed answers %d, / %d", v.status("/closed"), v.status("/"))
		}
	})
	t.Run("a changed file", func(t *testing.T) {
		p.configure(good)
		soon(t, "the file is read", func() bool { return v.status("/closed") == 200 })
	})
	t.Run("a file with mistakes changes nothing and tells each", func(t *testing.T) {
		p.configure("rutes: []\nlog: {level: loud}\nsession: {cookie_age: -1}\nupstream: http://127.0.0.1:1\n")
		if p.reload() {
			t.Error("it was loaded")
		}
		for _, want := range []string{"rutes", "log.level", "session.cookie_age", "the one before stays in force"} {
			soon(t, "the log names "+want, func() bool { return strings.Contains(p.stderr.String(), want) })
		}
		if got := v.status("/"); got != 200 {
			t.Errorf("public route: got %d, want 200 as before", got)
		}
	})
	t.Run("what is no file any more changes nothing", func(t *testing.T) {
		os.Remove(filepath.Join(p.dir, "config.yaml"))
		if p.reload() || v.status("/") != 200 {
			t.Error("a missing file was loaded")
		}
	})
	t.Run("keys of the start are kept and named", func(t *testing.T) {
		p.configure("data_dir: elsewhere\n" + good)
		if !p.reload() {
			t.Error("it was refused")
		}
		soon(t, "the log names data_dir", func() bool { return strings.Contains(p.stderr.String(), `"key":"data_dir"`) })
		if _, err := os.Stat(filepath.Join(p.dir, "elsewhere")); err == nil {
			t.Error("the new data_dir was made")
		}
	})
	t.Run("a database that is none changes nothing", func(t *testing.T) {
		p.configure("database: {url: \"postgres://nobody@127.0.0.1:1/none\"}\n" + good)
		if p.reload() || v.status("/.auth/login") != 200 {
			t.Error("it was loaded")
		}
	})
	t.Run("log level", func(t *testing.T) {
		records := func() int { return strings.Count(p.stderr.String(), `"msg":"request"`) }
		p.configure("log: {level: error}\n" + good)
		p.reload()
		before := records()
		v.status("/")
		p.configure(good)
		p.reload()
		if got := records(); got != before {
			t.Errorf("%d access records at level error, want none", got-before)
		}
		v.status("/")
		soon(t, "access records are back", func() bool { return records() > before })
	})
	if code := p.stop(); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// Nothing is dropped: what runs goes on as it began, also over many reloads, and is not there for ever.
func TestReloadDropsNothing_F24(t *testing.T) {
	app := newStage(t)
	good := fmt.Sprintf(openRoutes, app.URL)
	p := serve(t, serveOptions{Config: good})
	say, closeSocket := dialEcho(t, p)
	if err := say("before"); err != nil {
		t.Fatal(err)
	}
	slow := make(chan string, 1)
	go func() {
		res, err := http.Get(p.URL + "/slow")
		if err != nil {
			slow <- err.Error()
			return
		}
		slow <- readAll(t, res.Body)
	}()
	<-app.entered

	var asked, failed atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				res, err := client.Get(p.URL + "/")
				asked.Add(1)
				if err != nil || res.StatusCode != 200 || readAll(t, res.Body) != "application" {
					failed.Add(1)
					t.Logf("under load: %v %v", res, err)
				}
			}
		})
	}
	for i := range 10 {
		p.configure(fmt.Sprintf("session: {cookie_age: %d}\n", 1000+i) + good)
		if !p.reload() {
			t.Error("a reload was refused")
		}
	}
	stop()
	load.Wait()
	if failed.Load() > 0 || asked.Load() < 20 {
		t.Errorf("%d of %d requests failed during the reloads, want none", failed.Load(), asked.Load())
	}
	app.release <- struct{}{}
	if got := <-slow; got != "slow but whole" {
		t.Errorf("the request that was running: got %q", got)
	}
	if err := say("after"); err != nil {
		t.Errorf("the WebSocket did not survive: %v", err)
	}
	closeSocket()
	soon(t, "the former configurations close their databases", func() bool { return p.open("coatcheck.sqlite3") <= 2*perDatabase })
}

// perDatabase is more than the files that one configuration has open of its SQLite database.
const perDatabase = 12

// open counts the open files of the process whose name holds part.
func (p *process) open(part string) int {
	p.t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		p.t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.Contains(target, part) {
			n++
		}
	}
	return n
}

// Key rotation without a restart: nobody is logged out while the former key is among the fallbacks; afterwards its sessions are nobody's.
func TestRotateSecretKeyByReload_F26_F27_11_1_1(t *testing.T) {
	dir := t.TempDir()
	key := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		write(t, file, text+"\n", mode)
		return file
	}
	const first, second = "first-secret-key-0123456789abcdefghijklmnop", "second-secret-key-0123456789abcdefghijklmno"
	current := key("current", first, 0o600)
	text := "first_user: true\nsecret_key_file: " + current + "\n"
	p := serve(t, serveOptions{Config: text})
	v := newVisitor(t, p.URL)
	v.login("admin", p.firstPassword())

	t.Run("F27 a secret that others may read, or an empty one, is refused", func(t *testing.T) {
		for _, bad := range []struct {
			text string
			mode os.FileMode
		}{{second, 0o644}, {"", 0o600}} {
			os.Remove(current)
			key("current", bad.text, bad.mode)
			if p.reload() {
				t.Errorf("a key file %q of mode %#o was loaded", bad.text, bad.mode)
			}
			if got := v.status("/"); got != 200 {
				t.Errorf("session after the refused reload: got %d, want 200", got)
			}
		}
		if strings.Contains(p.stderr.String(), second) {
			t.Error("the log holds a secret key")
		}
	})
	t.Run("F26 the former key is a fallback", func(t *testing.T) {
		os.Remove(current)
		key("current", second, 0o600)
		p.configure(text + "secret_key_fallbacks_file: " + key("former", first, 0o600) + "\n")
		if !p.reload() || v.status("/") != 200 {
			t.Error("the rotation logged a user out")
		}
		if got := p.metrics()[`coatcheck_fallback_key_uses_total{of="session_hash"}`]; got < 1 {
			t.Errorf("uses of the former key: got %v, want some", got)
		}
	})
	t.Run("F26 the former key is gone", func(t *testing.T) {
		stale := newVisitor(t, p.URL)
		p.configure(text)
		if !p.reload() || v.status("/") != 200 {
			t.Error("the session was not signed anew when it was used")
		}
		if got := stale.status("/"); got != 401 {
			t.Errorf("a stranger: got %d, want 401", got)
		}
	})
	t.Run("a replaced secret file is noticed", func(t *testing.T) {
		os.Remove(current)
		key("current", first, 0o600)
		soon(t, "the session signed with the key that is gone is nobody's", func() bool { return v.status("/") == 401 })
	})
}

// SIGTERM lets requests and WebSockets finish; a second one does not.
func TestStop_F25(t *testing.T) {
	t.Run("a WebSocket may finish", func(t *testing.T) {
		p := serve(t, serveOptions{Config: fmt.Sprintf(openRoutes, newStage(t).URL)})
		say, closeSocket := dialEcho(t, p)
		p.cmd.Process.Signal(syscall.SIGTERM)
		soon(t, "new connections are refused", func() bool { _, err := http.Get(p.URL); return err != nil })
		if res, err := http.Get(p.Admin + "/readyz"); err != nil || res.StatusCode != 503 {
			t.Errorf("readyz while stopping: %v, %v; want 503", res, err)
		}
		if err := say("last words"); err != nil {
			t.Errorf("the WebSocket was cut: %v", err)
		}
		closeSocket()
		<-p.done
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code: got %d, want 0", code)
		}
	})
	t.Run("no longer than shutdown_grace", func(t *testing.T) {
		p := serve(t, serveOptions{Config: "shutdown_grace: 1\n" + fmt.Sprintf(openRoutes, newStage(t).URL)})
		say, _ := dialEcho(t, p)
		if code := p.stop(); code != 0 {
			t.Errorf("exit code: got %d, want 0", code)
		}
		if say("anybody there?") == nil {
			t.Error("the WebSocket lives on")
		}
	})
	t.Run("a second signal ends at once", func(t *testing.T) {
		app := newStage(t)
		p := serve(t, serveOptions{Config: "shutdown_grace: 10m\n" + fmt.Sprintf(openRoutes, app.URL)})
		go func() { _, _ = http.Get(p.URL + "/slow") }()
		<-app.entered
		p.cmd.Process.Signal(syscall.SIGTERM)
		soon(t, "new connections are refused", func() bool { _, err := http.Get(p.URL); return err != nil })
		if code := p.stop(); code != 1 {
			t.Errorf("exit code: got %d, want 1", code)
		}
	})
}
