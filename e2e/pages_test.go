package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// recipe is a page of docs/ whose blocks are run as they stand, with only the paths and addresses of the test's own put in.
type recipe struct {
	t      *testing.T
	blocks []recipeBlock
	places *strings.Replacer
	env    []string
}

type recipeBlock struct{ language, text string }

// newRecipe reads a page. bin is where the commands that the page calls are found first.
func newRecipe(t *testing.T, name, bin string, places ...string) *recipe {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	r := &recipe{t: t, places: strings.NewReplacer(places...), env: append(cleanEnv(), "PATH="+bin+":/usr/bin:/bin")}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		r.blocks = append(r.blocks, recipeBlock{m[1], r.places.Replace(m[2])})
	}
	return r
}

// block is the only one of the language that holds the text.
func (r *recipe) block(language, holds string) string {
	r.t.Helper()
	var found []string
	for _, b := range r.blocks {
		if b.language == language && strings.Contains(b.text, r.places.Replace(holds)) {
			found = append(found, b.text)
		}
	}
	if len(found) != 1 {
		r.t.Fatalf("%d %s blocks hold %q, want 1", len(found), language, holds)
	}
	return found[0]
}

// run runs that block in a shell, which stops at the first failure.
func (r *recipe) run(holds string, env ...string) string {
	r.t.Helper()
	script := r.block("sh", holds)
	ctx, cancel := context.WithTimeout(r.t.Context(), 60*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-euc", script)
	c.Env = append(r.env, env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		r.t.Fatalf("%v\n%s\n%s", err, script, &out)
	}
	return out.String()
}

// onPath is a folder with coatcheck and python, as pages call them.
func onPath(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for name, program := range map[string]string{"coatcheck": coatcheck(t), "python": "/usr/bin/python3"} {
		if err := os.Symlink(program, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// docs/django.md, step by step, with a real Django that was there before.
func TestDjangoPage(t *testing.T) {
	t.Parallel()
	etc := t.TempDir()
	settings, err := os.ReadFile("../internal/testenv/djangosite/settings.py")
	if err != nil {
		t.Fatal(err)
	}
	page := newRecipe(t, "django.md", onPath(t))
	site := testenv.Django(t, testenv.DjangoOptions{Files: map[string]string{"settings.py": string(settings) + "\n" + page.block("python", "LOGIN_URL")}})
	site.CreateUser("alice", userPassword, "editors")
	before := site.Login("alice", userPassword)
	app := newEcho(t)

	places := []string{"/srv/site", site.Folder, "/etc/coatcheck", etc, "127.0.0.1:8000", site.Addr, "127.0.0.1:3000", strings.TrimPrefix(app.URL, "http://"),
		"/tmp/jar", filepath.Join(etc, "jar")}
	page = newRecipe(t, "django.md", onPath(t), places...)
	if out := page.run("SESSION_ENGINE"); !strings.Contains(out, "SESSION_ENGINE django.contrib.sessions.backends.db\n") || !strings.Contains(out, "USE_TZ True\n") {
		t.Errorf("step 1 prints\n%s", out)
	}
	page.run("print(settings.SECRET_KEY)")
	write(t, filepath.Join(etc, "config.yaml"), page.block("yaml", "share_session"), 0o600)
	if out := page.run("coatcheck session list"); strings.Count(out, "alice") < 2 {
		t.Errorf("step 4 shows neither the user nor the session:\n%s", out)
	}
	p := serve(t, serveOptions{Args: strings.Fields(page.block("sh", "coatcheck serve"))[2:]})
	page = newRecipe(t, "django.md", onPath(t), append(places, "127.0.0.1:8080", strings.TrimPrefix(p.URL, "http://"))...)

	at, err := http.NewRequest(http.MethodGet, site.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	var key string
	for _, c := range before.Jar.Cookies(at.URL) {
		if c.Name == "sessionid" {
			key = c.Value
		}
	}
	reports := func(v *visitor) string { return v.echoed("/reports").Get("Remote-User") }
	old := visitorWith(t, p.URL, key)
	if got := reports(old); got != "alice" {
		t.Errorf("a login made at Django before coatcheck was there: %q", got)
	}
	out := page.run("--data-urlencode", "PASSWORD="+userPassword)
	if !strings.Contains(out, `"alice"`) || !strings.Contains(out, "['1', '1']") {
		t.Errorf("step 7 prints\n%s", out)
	}
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	if who := v.whoami(); who.User != "alice" {
		t.Errorf("Django sees %q after a login at coatcheck", who.User)
	}
	if v.echoed("/reports").Get("Cookie") != "" {
		t.Error("the service sees the cookie")
	}
	v.must("/logout")
	if got := reports(v); got != "" {
		t.Errorf("logged out at Django, the service sees %q", got)
	}
	page.run("session delete --user alice")
	soon(t, "all of alice's sessions have ended", func() bool { return reports(old) == "" })
}

// docs/operations.md: the secret key is changed step by step, and nobody is logged out before the last; then a backup is restored.
func TestOperationsPage(t *testing.T) {
	t.Parallel()
	etc, data, backups := t.TempDir(), filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backups")
	page := newRecipe(t, "operations.md", onPath(t), "/etc/coatcheck", etc, "/var/lib/coatcheck", data, "/var/backups/coatcheck", backups)
	page.run("cp " + "/etc/coatcheck/secret_key /etc/coatcheck/former_keys\n")
	app := newEcho(t)
	config := page.block("yaml", "secret_key_fallbacks_file") + fmt.Sprintf("upstream: %s\n", app.URL)
	p := serve(t, serveOptions{Config: config})
	addUser := func(p *process) {
		if out, err := p.run(userPassword+"\n", "user", "add", "alice", "--password-stdin", "--config", filepath.Join(p.dir, "config.yaml")); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	addUser(p)
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	loaded := func() int { return strings.Count(p.stderr.String(), "the configuration was loaded anew") }
	step := func(holds string) {
		t.Helper()
		before := loaded()
		page.run(holds)
		soon(t, "the files are loaded anew after "+holds, func() bool { return loaded() > before })
		if got := v.echoed("/app").Get("Remote-User"); got != "alice" {
			t.Fatalf("after %q the application sees %q", holds, got)
		}
	}
	step("next_key\n{ cat")
	step("mv /etc/coatcheck/next_key")
	step("cp /etc/coatcheck/secret_key /etc/coatcheck/former_keys.new")
	if got := strings.Count(p.stderr.String(), "was not loaded"); got != 0 {
		t.Errorf("%d reloads failed", got)
	}

	page.run(".backup")
	if code := p.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	write(t, filepath.Join(data, "coatcheck.sqlite3"), "lost", 0o600)
	page.run("rm -f")
	again := serve(t, serveOptions{Config: config})
	if got := v.at(again.URL).echoed("/app").Get("Remote-User"); got != "alice" {
		t.Errorf("after the restore the application sees %q", got)
	}
}

// docs/security-model.md: the grants, and no others, are enough beside a Django; the right to make tables only for the first start (ASVS 13.2.2).
func TestSecurityPage_13_2_2(t *testing.T) {
	t.Parallel()
	owner := testenv.Postgres(t)
	site := testenv.Django(t, testenv.DjangoOptions{DatabaseURL: owner})
	site.CreateUser("alice", userPassword, "editors")
	role := fmt.Sprintf("page_%d", time.Now().UnixNano())
	page := newRecipe(t, "security-model.md", onPath(t), "CREATE ROLE coatcheck ", "CREATE ROLE "+role+" ", "TO coatcheck;", "TO "+role+";")
	statements := page.block("sql", "django_session")
	execute(t, owner, statements)
	t.Cleanup(func() { execute(t, owner, "DROP OWNED BY "+role+" CASCADE; DROP ROLE "+role) })

	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "PASSWORD")
	app := newEcho(t)
	config := fmt.Sprintf("secret_key: %q\ndatabase: {url: %q}\nupstream: %s\n", site.SecretKey, u, app.URL)
	for _, start := range []string{"first", "second, without the right to make tables"} {
		p := serve(t, serveOptions{Config: config})
		v := newVisitor(t, p.URL)
		v.login("alice", userPassword)
		if got := v.echoed("/").Get("Remote-Groups"); got != "editors" {
			t.Errorf("%s start: groups %q", start, got)
		}
		v.logout()
		if got := v.echoed("/"); got != nil {
			t.Errorf("%s start: logged out and let through", start)
		}
		if code := p.stop(); code != 0 || strings.Contains(p.stderr.String(), "permission denied") {
			t.Errorf("%s start: exit code %d\n%s", start, code, p.stderr.String())
		}
		execute(t, owner, "REVOKE CREATE ON SCHEMA public FROM "+role+"; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
	}
}

// execute runs statements as whom the URL names.
func execute(t *testing.T, rawURL, statements string) {
	t.Helper()
	db, err := sqlconn.Open(rawURL, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for statement := range strings.SplitSeq(statements, ";") {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
