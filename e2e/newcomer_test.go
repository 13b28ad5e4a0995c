package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A newcomer runs `serve` in an empty folder, logs in to the demo, and comes back after a restart.
func TestNewcomer(t *testing.T) {
	p := serve(t, serveOptions{})
	secret := p.firstPassword()

	t.Run("what was made is the owner's alone", func(t *testing.T) {
		data := filepath.Join(p.dir, "coatcheck-data")
		for name, want := range map[string]os.FileMode{"": 0o700, "secret_key": 0o600, "coatcheck.sqlite3": 0o600} {
			info, err := os.Stat(filepath.Join(data, name))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("mode of %q: got %#o, want %#o", name, got, want)
			}
		}
	})
	t.Run("the password is on standard output and not in the log", func(t *testing.T) {
		if got := p.stdout.String(); got != "user: admin\npassword: "+secret+"\n" {
			t.Errorf("standard output: got %q, want the two lines", got)
		}
		if strings.Contains(p.stderr.String(), secret) {
			t.Error("the log holds the first password")
		}
	})

	v := newVisitor(t, p.URL)
	res := v.get("/reports?q=1")
	want := "/.auth/login?next=%2Freports%3Fq%3D1"
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != want {
		t.Fatalf("a stranger's navigation: got %s to %q, want 303 to %q", res.Status, got, want)
	}
	if res := v.fetch("/reports"); res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a stranger's script: got %s, want 401", res.Status)
	}
	if page := v.get("/.auth/login?next=%2Freports%3Fq%3D1"); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `name="password"`) {
		t.Fatalf("login page: got %s\n%s", page.Status, page.Text)
	}
	res = v.post("/.auth/login", url.Values{"username": {"admin"}, "password": {secret}, "next": {"/reports?q=1"}})
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/reports?q=1" {
		t.Fatalf("login: got %s to %q, want 303 to /reports?q=1\n%s", res.Status, got, res.Text)
	}
	if page := v.get("/reports?q=1"); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, "admin") {
		t.Fatalf("the demo does not know the user: %s\n%s", page.Status, page.Text)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code after SIGTERM: got %d, want 0", code)
	}

	again := serve(t, serveOptions{Dir: p.dir})
	if got := again.stdout.String(); got != "" {
		t.Errorf("second start printed %q, want nothing", got)
	}
	v.base = again.URL // cookies are kept by host, not by port
	if page := v.get("/"); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, "admin") {
		t.Errorf("after the restart the session is lost: %s", page.Status)
	}
	if res := v.logout(); res.StatusCode != http.StatusSeeOther || v.cookie("sessionid") != "" {
		t.Errorf("logout: got %s, cookie %q; want 303 and no cookie", res.Status, v.cookie("sessionid"))
	}
	if res := v.fetch("/"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the logout: got %s, want 401", res.Status)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	notDatabase := func(t *testing.T, dir string) {
		write(t, filepath.Join(dir, "coatcheck-data", "coatcheck.sqlite3"), strings.Repeat("this is no database\n", 100), 0o600)
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, dir string)
		config  string
		want    []string
	}{
		"broken database file":        {prepare: notDatabase, want: []string{"coatcheck.sqlite3", "database"}},
		"database is a folder":        {prepare: func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, "coatcheck-data", "coatcheck.sqlite3")) }, want: []string{"coatcheck.sqlite3"}},
		"database of another program": {prepare: foreignDatabase, want: []string{"belongs to another program", "moz_places", "database.url"}},
		"secret key others may read": {prepare: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "coatcheck-data", "secret_key"), "x\n", 0o644)
		}, want: []string{"secret_key", "chmod 600"}},
		"secret key file is empty": {prepare: func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "coatcheck-data", "secret_key"), "", 0o600)
		}, want: []string{"secret_key", "empty"}},
		"unknown key":          {config: "listn: ':1'\n", want: []string{"listn", "listen", "config.yaml:1:"}},
		"wrong value":          {config: "session:\n  cookie_age: soon\n", want: []string{"session.cookie_age", "config.yaml:2:", "soon"}},
		"two problems at once": {config: "listn: x\nlog: {level: loud}\n", want: []string{"listn", "log.level", "loud"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			p := launch(t, serveOptions{Dir: dir, Config: c.config})
			<-p.done
			if code := p.cmd.ProcessState.ExitCode(); code == 0 {
				t.Error("exit code 0")
			}
			for _, want := range c.want {
				if !strings.Contains(p.stderr.String(), want) {
					t.Errorf("message lacks %q:\n%s", want, p.stderr.String())
				}
			}
		})
	}
}

func TestPortTaken(t *testing.T) {
	p := serve(t, serveOptions{})
	out, err := command(t, t.TempDir(), cleanEnv(), "", "serve", "--listen", strings.TrimPrefix(p.URL, "http://"))
	if err == nil || !strings.Contains(out, "in use") || !strings.Contains(out, "listen") {
		t.Errorf("got %v\n%s\nwant a message that names the key listen", err, out)
	}
}

func foreignDatabase(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "coatcheck-data", "coatcheck.sqlite3")
	mkdir(t, filepath.Dir(file))
	sql(t, file, "CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)")
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	mkdir(t, filepath.Dir(file))
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}
