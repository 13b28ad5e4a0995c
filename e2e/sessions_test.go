package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
)

// TestSessionCommands: list, show, delete and clear, for each engine.
func TestSessionCommands(t *testing.T) {
	forEachEngine(t, func(t *testing.T, e engine) {
		d := newDesk(t, e)
		t.Run("77 clear", func(t *testing.T) { d.clears(t) })
		if e.cookie || e.name == "cache on memcached" {
			t.Run("cannot list", func(t *testing.T) { d.cannotList(t) })
			return
		}
		t.Run("7.4.3 list, show, delete", func(t *testing.T) { d.lists(t) })
	})
}

// commandDesk is a running proxy with three sessions, and its command line.
type commandDesk struct {
	settings
	proxy    *process
	visitors []*visitor // alice, alice, bob
}

func newDesk(t *testing.T, e engine) *commandDesk {
	s := newSettings(t, e)
	d := &commandDesk{settings: s, proxy: serve(t, serveOptions{Config: s.yaml()})}
	d.proxy.addUser("alice")
	d.proxy.addUser("bob")
	for _, name := range []string{"alice", "alice", "bob"} {
		v := newVisitor(t, d.proxy.URL)
		v.login(name, userPassword)
		d.visitors = append(d.visitors, v)
	}
	return d
}

func (d *commandDesk) run(args ...string) (string, error) {
	return d.proxy.run("", append(append([]string{"session"}, args...), "--config", filepath.Join(d.proxy.dir, "config.yaml"))...)
}

func (d *commandDesk) must(t *testing.T, want string, args ...string) string {
	t.Helper()
	out, err := d.run(args...)
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("session %s: %v, %q; want %q in it", strings.Join(args, " "), err, out, want)
	}
	return out
}

// alive says which of the three visitors are let in.
func (d *commandDesk) alive() string {
	var who []string
	for i, name := range []string{"alice", "alice again", "bob"} {
		if d.visitors[i].fetch("/").StatusCode == http.StatusOK {
			who = append(who, name)
		}
	}
	return strings.Join(who, ", ")
}

// clears: a session that has ended is removed from where it stays, and the others are not.
func (d *commandDesk) clears(t *testing.T) {
	want := "removed 0 expired" // a cache clears itself; a cookie is not kept
	if d.expireOne(t) {
		want = "removed 1 expired"
	}
	d.must(t, want, "clear")
	d.must(t, "removed 0 expired", "clear")
	if got := d.alive(); got != "alice, alice again, bob" {
		t.Errorf("alive after clearing: %s", got)
	}
}

// expireOne leaves a fourth session behind that has ended, where the store keeps such.
func (d *commandDesk) expireOne(t *testing.T) bool {
	t.Helper()
	v := newVisitor(t, d.proxy.URL)
	v.login("bob", userPassword)
	key, past := v.cookie("sessionid"), time.Now().Add(-15*24*time.Hour)
	switch d.engine.session {
	case "file":
		if err := os.Chtimes(filepath.Join(d.files, "sessionid"+key), past, past); err != nil {
			t.Fatal(err)
		}
	case "db", "cached_db":
		db, err := sqlconn.Open(d.database, sqlconn.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		statement := "UPDATE django_session SET expire_date = " + db.Placeholder(1) + " WHERE session_key = " + db.Placeholder(2)
		if _, err := db.ExecContext(t.Context(), statement, db.Time(past), key); err != nil {
			t.Fatal(err)
		}
	default:
		v.logout()
		return false
	}
	return true
}

func (d *commandDesk) lists(t *testing.T) {
	var views []struct{ Session, Username string }
	if err := json.Unmarshal([]byte(d.must(t, "alice", "list", "--json")), &views); err != nil || len(views) != 3 {
		t.Fatalf("list: %v, %+v; want three sessions", err, views)
	}
	d.must(t, "bob", "list", "--user", "bob")
	for _, v := range views {
		if v.Username == "bob" {
			out := d.must(t, "_auth_user_id", "show", v.Session)
			if strings.Contains(out, d.visitors[2].cookie("sessionid")) {
				t.Errorf("show gives the key away:\n%s", out)
			}
			d.must(t, "ended 1", "delete", v.Session)
		}
	}
	soon(t, "bob's session alone has ended", func() bool { return d.alive() == "alice, alice again" })
	d.must(t, "ended 2", "delete", "--user", "alice")
	soon(t, "all have ended", func() bool { return d.alive() == "" })
	d.must(t, "ended 0", "delete", "--all")
}

// cannotList: the sentence names the engine and says what to do instead.
func (d *commandDesk) cannotList(t *testing.T) {
	for _, args := range [][]string{{"list"}, {"show", "0123456789ab"}, {"delete", "0123456789ab"}, {"delete", "--user", "alice"}, {"delete", "--all"}} {
		out, err := d.run(args...)
		if err == nil || !strings.Contains(out, "session.engine "+d.engine.session+" ") || !strings.Contains(out, "coatcheck user disable") {
			t.Errorf("session %s: %v, %q; want a sentence with the engine and what to do", strings.Join(args, " "), err, out)
		}
	}
	if got := d.alive(); got != "alice, alice again, bob" {
		t.Errorf("alive after that: %s", got)
	}
}
