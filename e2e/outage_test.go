package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// outage is a running proxy whose store will fail.
type outage struct {
	t testing.TB
	p *process
	v *visitor // logged in
}

func newOutage(t testing.TB, s settings) *outage {
	t.Helper()
	echo := newEcho(t).URL
	s.extra = fmt.Sprintf("routes:\n  - {path: /, upstream: %[1]q, access: login}\n  - {path: /open, upstream: %[1]q, access: public}\n", echo)
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	o := &outage{t: t, p: p, v: newVisitor(t, p.URL)}
	o.v.login("alice", userPassword)
	o.works()
	return o
}

func (o *outage) works() {
	o.t.Helper()
	soon(o.t, "the same session is served", func() bool { return o.v.fetch("/").StatusCode == http.StatusOK })
	soon(o.t, "/readyz is 200", func() bool { return o.ready() == http.StatusOK })
}

func (o *outage) ready() int { return o.v.at(o.p.Admin).fetch("/readyz").StatusCode }

// closed checks the answers while nobody can be asked who the visitor is: 503 within 3 s, nothing acknowledged, no cookie touched.
func (o *outage) closed() {
	o.t.Helper()
	cookie := o.v.cookie("sessionid")
	o.closedWrites()
	for what, ask := range map[string]func() answer{
		"navigation": func() answer { return o.v.get("/") }, "script": func() answer { return o.v.fetch("/") },
		"session": func() answer { return o.v.fetch("/.auth/session") },
	} {
		o.refused(what, ask)
	}
	if res := o.v.fetch("/open"); res.StatusCode != http.StatusOK {
		o.t.Errorf("public route: %s, want 200", res.Status)
	}
	soon(o.t, "/readyz is 503", func() bool { return o.ready() == http.StatusServiceUnavailable })
	if res := o.v.at(o.p.Admin).fetch("/healthz"); res.StatusCode != http.StatusOK {
		o.t.Errorf("/healthz: %s, want 200", res.Status)
	}
	if got := o.v.cookie("sessionid"); got != cookie {
		o.t.Errorf("the cookie became %q", got)
	}
}

// closedWrites checks that no login and no logout is acknowledged.
func (o *outage) closedWrites() {
	o.t.Helper()
	o.refused("login", func() answer {
		return newVisitor(o.t, o.p.URL).post("/.auth/login", url.Values{"username": {"alice"}, "password": {userPassword}})
	})
	o.refused("logout", func() answer { return o.v.logout() })
}

func (o *outage) refused(what string, ask func() answer) {
	o.t.Helper()
	begin := time.Now()
	res := ask()
	if took := time.Since(begin); took > 3*time.Second {
		o.t.Errorf("%s: answered after %v, want at most 3 s", what, took)
	}
	after, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if res.StatusCode != http.StatusServiceUnavailable || err != nil || after < 1 {
		o.t.Errorf("%s: %s with Retry-After %q, want 503 with whole seconds\n%.500s", what, res.Status, res.Header.Get("Retry-After"), res.Text)
	}
	if set := res.Header["Set-Cookie"]; len(set) > 0 {
		o.t.Errorf("%s: sets cookies: %q", what, set)
	}
}

// A database server that stops and comes back (F01), and one that swallows what it is sent (F02).
func TestServerOutage(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testenv.DatabaseServer{"PostgreSQL": testenv.PostgresServer, "MariaDB": testenv.MariaDBServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			line := newLine(t, server.Addr)
			s := newSettings(t, engine{session: "db", hash: "md5"})
			s.database = strings.Replace(server.URL, server.Addr, line.addr, 1)
			o := newOutage(t, s)
			line.swallow(true)
			t.Run("F02 black hole", func(t *testing.T) { o.closed() })
			line.swallow(false)
			o.works()
			server.Stop()
			t.Run("F01 stopped", func(t *testing.T) { o.closed() })
			server.Start()
			o.works()
		})
	}
}

func TestSQLiteOutage(t *testing.T) {
	journals := map[string]string{"as we make it": "wal", "as Django makes it": "delete"}
	for name, journal := range journals {
		t.Run("garbage, "+name, func(t *testing.T) {
			t.Parallel()
			s, file := sqliteSettings(t, journal)
			o := newOutage(t, s)
			mend := replaceBytes(t, file)
			o.closed()
			if mend(); journal == "delete" { // in WAL mode SQLite cannot see that the bytes below it were changed back
				o.works()
			}
		})
	}
	t.Run("F17 locked by another writer, as we make it", func(t *testing.T) {
		t.Parallel()
		s, file := sqliteSettings(t, "wal")
		o := newOutage(t, s)
		unlock := lock(t, file)
		o.closedWrites()
		if res := o.v.fetch("/"); res.StatusCode != http.StatusOK {
			t.Errorf("reading while another process writes: %s, want 200", res.Status)
		}
		unlock()
		o.works()
		o.v.login("alice", userPassword)
	})
	t.Run("F17 locked by another writer, as Django makes it", func(t *testing.T) {
		t.Parallel()
		s, file := sqliteSettings(t, "delete")
		o := newOutage(t, s)
		unlock := lock(t, file)
		o.closedWrites()
		o.refused("reading while another process holds the whole file", func() answer { return o.v.fetch("/") })
		unlock()
		o.works()
	})
}

// sqliteSettings are for an SQLite file in the journal mode.
func sqliteSettings(t testing.TB, journal string) (settings, string) {
	t.Helper()
	s := newSettings(t, engine{session: "db", hash: "md5"})
	file := strings.TrimPrefix(s.database, "sqlite:")
	sql(t, file, "PRAGMA journal_mode="+journal)
	return s, file
}

// lock takes the write lock of the file, and in the mode "delete" keeps readers out as well, until the returned function is called.
func lock(t testing.TB, file string) (unlock func()) {
	t.Helper()
	db, err := sqlconn.Open("sqlite:"+file, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	for _, statement := range []string{"BEGIN EXCLUSIVE", "DELETE FROM auth_user"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if _, err := db.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
}

// replaceBytes overwrites the database with garbage, in the same file, as a disk would that has gone mad.
func replaceBytes(t testing.TB, file string) (mend func()) {
	t.Helper()
	sql(t, file, "PRAGMA wal_checkpoint(TRUNCATE)")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, file, []byte(strings.Repeat("garbage ", len(good)/8)))
	return func() { overwrite(t, file, good) }
}

func overwrite(t testing.TB, file string, bytes []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(bytes); err != nil {
		t.Fatal(err)
	}
}
