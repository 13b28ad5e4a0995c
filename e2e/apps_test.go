package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coatcheck/internal/testenv"
)

// git's own CGI program lets those push who have a REMOTE_USER, and writes that name into its log of changes.
func TestCGIGit(t *testing.T) {
	t.Parallel()
	url := testenv.Fcgiwrap(t)
	root := t.TempDir()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = strings.NewReplacer("fcgi+unix:/run/fcgiwrap.socket", url, "/srv/git", root, "/usr/lib/git-core/git-http-backend", testenv.GitBackend(t)).
		Replace(guide(t, "cgi.md")["yaml"][0])
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice", "developers")
	p.addUser("bob")
	repository := filepath.Join(root, "tea.git")
	g := newGit(t, p.URL)
	g.must(t, "init", "-q", "--bare", "-b", "main", repository)
	g.must(t, "-C", repository, "config", "core.logAllRefUpdates", "true")
	write(t, filepath.Join(repository, "git-daemon-export-ok"), "", 0o644)

	work := filepath.Join(t.TempDir(), "tea")
	g.must(t, "clone", "-q", g.remote("alice"), work)
	leaf := make([]byte, 3<<20) // more than git sends in one piece
	_, _ = rand.Read(leaf)
	write(t, filepath.Join(work, "leaf"), string(leaf), 0o644)
	g.must(t, "-C", work, "add", "leaf")
	g.must(t, "-C", work, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first")
	g.must(t, "-C", work, "push", "-q", "origin", "HEAD:main")
	if log := g.must(t, "-C", repository, "reflog", "show", "--format=%gn", "main"); strings.TrimSpace(log) != "alice" {
		t.Errorf("the push is %q's, want alice's", log)
	}
	for name, as := range map[string]string{"without the group": "bob", "nobody": ""} {
		if out, err := g.run("clone", "-q", g.remote(as), filepath.Join(t.TempDir(), "x")); err == nil {
			t.Errorf("%s cloned: %s", name, out)
		}
	}
	for _, spelling := range spellings {
		out, err := g.run("-c", "http.extraHeader="+spelling+": alice", "-C", work, "push", "-q", g.remote(""), "HEAD:other")
		if err == nil {
			t.Errorf("4.1.3 %s of nobody: pushed: %s", spelling, out)
		}
	}
	alice := newVisitor(t, p.URL)
	alice.login("alice", userPassword)
	if res := alice.get("/git/tea.git/info/refs?service=git-receive-pack"); res.StatusCode != http.StatusOK || !strings.Contains(res.Text, "service=git-receive-pack") {
		t.Errorf("by a session: %s %.200s", res.Status, res.Text)
	}
	for _, path := range []string{"/git/../../etc/passwd", "/git/%2e%2e/etc/passwd", "/git/..%2f..%2fetc/passwd", "/git/tea.git%00/HEAD", "/git/", "/tea.git/HEAD"} {
		req := alice.request(http.MethodGet, "/", "")
		req.URL.Opaque = path
		if res := alice.do(req); res.StatusCode < 400 {
			t.Errorf("1.1.1 %s: %s %.200s", path, res.Status, res.Text)
		}
	}
}

// git is the command with nothing of a developer's settings.
type git struct{ base, home string }

func newGit(t *testing.T, base string) git { return git{base, t.TempDir()} }

// remote is the repository's address with the user's name and password.
func (g git) remote(user string) string {
	u, _ := url.Parse(g.base + "/git/tea.git")
	if user != "" {
		u.User = url.UserPassword(user, userPassword)
	}
	return u.String()
}

func (g git) run(args ...string) (string, error) {
	c := exec.Command("git", args...)
	c.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + g.home, "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1"}
	out, err := c.CombinedOutput()
	return string(out), err
}

func (g git) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := g.run(args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// The headers of each preset as its guide lists them, exactly those and no other that could speak of a user.
func TestIdentityPresets(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/guides/grafana.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{"none": nil}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.HasPrefix(cells[1], " `") {
			for name := range strings.SplitSeq(cells[2], ",") {
				if name = strings.Trim(name, " `"); strings.HasPrefix(cells[2], " `") {
					preset := strings.Fields(strings.ReplaceAll(cells[1], "`", ""))[0]
					documented[preset] = append(documented[preset], name)
				}
			}
		}
	}
	if len(documented) != 5 {
		t.Fatalf("the guide's table has %d presets", len(documented))
	}
	values := map[string]string{"User": "alice", "Username": "alice", "Name": "Alice Liddell", "Fullname": "Alice Liddell", "Email": "alice@example.com", "Groups": "admins,editors"}
	app := recorder(t)
	for preset, names := range documented {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			s := newSettings(t, engine{session: "db", hash: "md5"})
			s.extra = fmt.Sprintf("upstream: %q\nidentity: {preset: %s}\n", app.URL, preset)
			if preset == "x-webauth" {
				s.extra = strings.NewReplacer("public_url: https://grafana.example.com\n", "", "http://127.0.0.1:3000", app.URL).Replace(guide(t, "grafana.md")["yaml"][0])
			}
			p := serve(t, serveOptions{Config: s.yaml()})
			if out, err := p.run(userPassword+"\n", "user", "add", "alice", "--password-stdin", "--email", "alice@example.com", "--first-name", "Alice", "--last-name", "Liddell",
				"--group", "editors", "--group", "admins", "--config", filepath.Join(p.dir, "config.yaml")); err != nil {
				t.Fatal(err, out)
			}
			v := newVisitor(t, p.URL)
			v.login("alice", userPassword)
			var forged []string
			for _, others := range documented {
				for _, name := range others {
					forged = append(forged, name, "root", strings.ToUpper(strings.ReplaceAll(name, "-", "_")), "root")
				}
			}
			res := v.do(v.request(http.MethodGet, "/", "", append(forged, "Accept", "application/json")...))
			var got struct{ Header http.Header }
			if err := json.Unmarshal([]byte(res.Text), &got); err != nil {
				t.Fatalf("%s: %v %s", res.Status, err, res.Text)
			}
			for _, name := range names {
				want := values[name[strings.LastIndexByte(name, '-')+1:]]
				if lines := got.Header[http.CanonicalHeaderKey(name)]; !slices.Equal(lines, []string{want}) {
					t.Errorf("%s: got %q, want %q alone", name, lines, want)
				}
				delete(got.Header, http.CanonicalHeaderKey(name))
			}
			for name := range got.Header {
				if !slices.Contains([]string{"Accept", "Accept-Encoding", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id"}, name) {
					t.Errorf("also sent: %s: %q", name, got.Header[name])
				}
			}
		})
	}
}

// A Django project with the middleware of the guide knows who is logged in at coatcheck, and nobody else.
func TestDjangoRemoteUser(t *testing.T) {
	t.Parallel()
	blocks := guide(t, "django-remote-user.md")
	settings, err := os.ReadFile("../internal/testenv/djangosite/settings.py")
	if err != nil {
		t.Fatal(err)
	}
	site := testenv.Django(t, testenv.DjangoOptions{Files: map[string]string{"remote_header.py": blocks["python"][0], "settings.py": string(settings) + blocks["python-settings"][0]}})
	s := newSettings(t, engine{hash: "md5"})
	s.extra = strings.NewReplacer("http://127.0.0.1:8000", site.URL, "session: {", "session: {engine: db, ").Replace(blocks["yaml"][0])
	p := serve(t, serveOptions{Config: strings.Replace(s.yaml(), "session:\n  engine: \n", "", 1)})
	p.addUser("alice")
	p.addUser("bob")
	alice, bob, nobody := newVisitor(t, p.URL), newVisitor(t, p.URL), newVisitor(t, p.URL)
	for name, v := range map[string]*visitor{"alice": alice, "bob": bob} {
		if res := v.post("/.auth/login", url.Values{"username": {name}, "password": {userPassword}}); res.StatusCode != http.StatusSeeOther || v.cookie("coatcheck_sessionid") == "" {
			t.Fatalf("login: %s", res.Status)
		}
		if who := v.whoami(); who.User != name || !who.Authenticated {
			t.Errorf("Django takes %s for %+v", name, who)
		}
	}
	for _, spelling := range spellings {
		req := bob.request(http.MethodGet, "/whoami", "")
		req.Header[spelling] = []string{"alice"}
		if res := bob.do(req); !strings.Contains(res.Text, `"user": "bob"`) {
			t.Errorf("4.1.3 %s: %s %.300s", spelling, res.Status, res.Text)
		}
		req = nobody.request(http.MethodGet, "/whoami", "")
		req.Header[spelling] = []string{"alice"}
		if res := nobody.do(req); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("4.1.3 %s of nobody: %s", spelling, res.Status)
		}
	}
	if alice.logout(); alice.fetch("/whoami").StatusCode != http.StatusUnauthorized {
		t.Error("7.4.1 after the logout Django is still asked")
	}
	if who := alice.at(site.URL).whoami(); who.Authenticated {
		t.Errorf("without the header Django takes the browser for %+v", who)
	}
}
