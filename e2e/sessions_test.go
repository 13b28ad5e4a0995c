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
	var views []struct {
		Session, Username, Address, Device string
		Created                            *time.Time
	}
	if err := json.Unmarshal([]byte(d.must(t, "alice", "list", "--json")), &views); err != nil || len(views) != 3 {
		t.Fatalf("list: %v, %+v; want three sessions", err, views)
	}
	d.must(t, "bob", "list", "--user", "bob")
	for _, v := range views {
		if v.Created == nil || v.Address != "127.0.0.1" || !strings.Contains(v.Device, "Go-http-client") {
			t.Errorf("list: %+v, want its beginning, address and device", v)
		}
		if v.Username == "bob" {
			out := d.must(t, "_auth_user_id", "show", v.Session)
			if strings.Contains(out, d.visitors[2].cookie("sessionid")) {
				t.Errorf("show gives the key away:\n%s", out)
			}
			d.must(t, "ended 1", "delete", v.Session)
		}
	}
	d.must(t, "ended 0", "delete", "--older-than", "1d")
	d.must(t, "ended 0", "delete", "--older-than", "0", "--user", "bob")
	soon(t, "bob's session alone has ended", func() bool { return d.alive() == "alice, alice again" })
	d.must(t, "ended 2", "delete", "--user", "alice")
	soon(t, "all have ended", func() bool { return d.alive() == "" })
	d.must(t, "ended 0", "delete", "--all")
}
