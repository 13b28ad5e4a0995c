package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coatcheck/internal/testenv"
)

// wiki is DokuWiki with the configuration of its guide.
type wiki struct {
	root  string
	proxy *process
}

func newWiki(t *testing.T) wiki {
	blocks := guide(t, "dokuwiki.md")
	root := testenv.DokuWikiRoot(t, blocks["php"][0])
	write(t, filepath.Join(root, "data/pages/secret.txt"), "SECRET", 0o600)
	fpm := testenv.PHPFPM(t, root)
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = strings.NewReplacer("public_url: https://wiki.example.com\n", "", "fcgi+unix:/run/php/php-fpm.sock", fpm.UnixURL, "/var/www/dokuwiki", root).
		Replace(blocks["yaml"][0])
	w := wiki{root, serve(t, serveOptions{Config: s.yaml()})}
	w.proxy.addUser("alice")
	w.proxy.addUser("bob")
	return w
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)

// edit saves a page by the wiki's own form.
func (w wiki) edit(t *testing.T, v *visitor, page, text string, header ...string) {
	t.Helper()
	shown := v.do(v.request(http.MethodGet, "/doku.php?id="+page+"&do=edit", "", append(header, "Accept", "text/html")...))
	form := url.Values{"wikitext": {text}, "do[save]": {"1"}, "summary": {"test"}}
	for _, m := range hiddenField.FindAllStringSubmatch(shown.Text, -1) {
		if form.Get(m[1]) == "" && m[1] != "do" {
			form.Set(m[1], m[2])
		}
	}
	if form.Get("sectok") == "" {
		t.Fatalf("the form to edit: %s\n%.2000s", shown.Status, shown.Text)
	}
	res := v.do(v.request(http.MethodPost, "/doku.php", form.Encode(), append(header, "Content-Type", "application/x-www-form-urlencoded", "Origin", v.base)...))
	if res.StatusCode != http.StatusFound {
		t.Fatalf("save: %s\n%.2000s", res.Status, res.Text)
	}
}

// editor is who the wiki says has changed a page last.
func (w wiki) editor(t *testing.T, page string) string {
	t.Helper()
	changes, err := os.ReadFile(filepath.Join(w.root, "data/meta", page+".changes"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(changes)), "\n")
	return strings.Split(lines[len(lines)-1], "\t")[4]
}

func TestDokuWiki(t *testing.T) {
	t.Parallel()
	w := newWiki(t)
	alice, bob, nobody := newVisitor(t, w.proxy.URL), newVisitor(t, w.proxy.URL), newVisitor(t, w.proxy.URL)
	if res := nobody.get("/doku.php?id=start"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("nobody: %s, want 303 to the login page", res.Status)
	}
	alice.login("alice", userPassword)
	bob.login("bob", userPassword)
	if front := alice.must("/"); !strings.Contains(front.Text, " loggedIn ") {
		t.Errorf("the wiki does not know alice:\n%.3000s", front.Text)
	}
	w.edit(t, alice, "tea", "Milk goes in first.")
	if got := w.editor(t, "tea"); got != "alice" {
		t.Errorf("the edit is %q's, want alice's", got)
	}
	if page := bob.must("/doku.php?id=tea&do=revisions"); !strings.Contains(page.Text, "<bdi>alice</bdi>") {
		t.Errorf("the revisions do not name alice:\n%.3000s", page.Text)
	}
	if page := bob.must("/doku.php?id=tea"); !strings.Contains(page.Text, "Milk goes in first.") {
		t.Errorf("bob reads: %.2000s", page.Text)
	}
	t.Run("4.1.3 client-sent REMOTE_USER", func(t *testing.T) {
		for _, name := range append(spellings, "Auth-Type", "REMOTE-USER", "Redirect-Remote-User", "Php-Auth-User") {
			w.edit(t, bob, "tea", "Milk goes in last, says "+name, name, "alice")
			if got := w.editor(t, "tea"); got != "bob" {
				t.Errorf("%s: the edit is %q's, want bob's", name, got)
			}
			if res := nobody.do(nobody.request(http.MethodGet, "/doku.php?id=tea", "", name, "alice")); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: nobody got %s", name, res.Status)
			}
		}
	})
	t.Run("files of its pages", func(t *testing.T) {
		for path, kind := range map[string]string{"/lib/tpl/dokuwiki/images/logo.png": "image/png", "/lib/images/smileys/smile.svg": "image/svg+xml", "/lib/scripts/behaviour.js": "text/javascript",
			"/lib/exe/css.php?t=dokuwiki": "text/css", "/lib/exe/js.php?t=dokuwiki": "application/javascript", "/lib/exe/jquery.php": "application/javascript"} {
			res := alice.get(path)
			if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || res.Text == "" {
				t.Errorf("%s: %s %q, want %s", path, res.Status, res.Header.Get("Content-Type"), kind)
			}
			if res := nobody.fetch(path); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s: nobody got %s, want 401", path, res.Status)
			}
		}
	})
	t.Run("1.1.1 what stays inside", func(t *testing.T) { w.closed(t, alice) })
	alice.logout()
	if res := alice.get("/"); res.StatusCode != http.StatusSeeOther {
		t.Errorf("7.4.1 after the logout: %s", res.Status)
	}
}

// closed asks, by somebody who is logged in, for settings, data and sources in every spelling.
func (w wiki) closed(t *testing.T, v *visitor) {
	for _, path := range []string{
		"/data/pages/secret.txt", "/data/pages/", "/data/_dummy", "/DATA/pages/secret.txt", "/conf/local.php", "/conf/mime.conf", "/conf/.htaccess", "/.htaccess", "/inc/init.php",
		"/bin/dwpage.php", "/vendor/autoload.php", "/install.php", "/VERSION", "/conf%2flocal.php", "/lib/../conf/local.php", "/lib/%2e%2e/data/pages/secret.txt",
		"//data/pages/secret.txt", "/./conf/local.php", "/conf/local.php/x.css", "/doku.php/../conf/local.php", "/lib/..;/conf/local.php", `/lib\..\conf\local.php`,
		"/doku.php%00", "/doku.php%00.css", "/index.php.css", "/lib/exe/fetch.php%20", "/lib/tpl/dokuwiki/style.ini", "/lib/plugins/acl/plugin.info.txt",
	} {
		req := v.request(http.MethodGet, "/", "", "Accept", "text/html")
		req.URL.Opaque = path
		if strings.HasPrefix(path, "//") {
			req.URL.Opaque = req.URL.Scheme + "://" + req.URL.Host + path
		}
		res := v.do(req)
		if res.StatusCode < 400 || strings.Contains(res.Text, "<?php") || strings.Contains(res.Text, "SECRET") {
			t.Errorf("%s: %s\n%.300s", path, res.Status, res.Text)
		}
	}
	for _, path := range []string{"/doku.php/", "/index.php/x.css", "/doku.php/..%2fconf"} { // a script, or refused; never its source
		if res := v.get(path); strings.Contains(res.Text, "<?php") {
			t.Errorf("%s shows source: %s\n%.300s", path, res.Status, res.Text)
		}
	}
}

// The package's own layout, as the guide's second part has it: files through the folders that it links to, and nothing of the data beside.
func TestDokuWikiPackage(t *testing.T) {
	t.Parallel()
	testenv.DokuWikiRoot(t, "") // skips where it is not installed
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = strings.NewReplacer("public_url: https://wiki.example.com\n", "", "fcgi+unix:/run/php/php-fpm.sock", "fcgi://"+freeAddr(t)).Replace(guide(t, "dokuwiki.md")["yaml"][1])
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	v := newVisitor(t, p.URL)
	v.login("alice", userPassword)
	for path, want := range map[string]int{"/lib/tpl/dokuwiki/images/logo.png": 200, "/lib/plugins/styling/script.js": 200, "/lib/images/smileys/smile.svg": 200, "/data/deleted.files": 404,
		"/lib/tpl/../../data/deleted.files": 400, "/inc/init.php": 403, "/lib/plugins/acl/plugin.info.txt": 404} {
		if res := v.get(path); res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
}
