package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// near is an engine whose sessions are kept in memory, and what its servers say of how much they were asked.
type near struct {
	engine
	database, cache string
	counters        []counter
}

// counter says how many commands its server has run so far, those of the feed and of the counter itself left out.
type counter struct {
	of  string
	say func() int
}

func nearEngines(t testing.TB) []near {
	redis := testenv.Redis(t)
	postgres := func(e engine) near {
		url := testenv.Postgres(t)
		return near{engine: e, database: url, counters: []counter{{"PostgreSQL", func() int { return transactions(t, url) }}}}
	}
	inRedis := func(n near) near {
		n.cache = redis.URL
		n.counters = append(n.counters, counter{"Redis", func() int { return commands(redis.Do("INFO", "commandstats")) }})
		return n
	}
	return []near{
		{engine: engine{name: "db on SQLite", session: "db"}},
		postgres(engine{name: "db on PostgreSQL", session: "db"}),
		{engine: engine{name: "file", session: "file"}},
		inRedis(near{engine: engine{name: "cache on Redis", session: "cache"}}),
		inRedis(near{engine: engine{name: "cached_db on Redis and SQLite", session: "cached_db"}}),
		inRedis(postgres(engine{name: "cached_db on Redis and PostgreSQL", session: "cached_db"})),
		{engine: engine{name: "signed_cookies on SQLite", session: "signed_cookies"}},
		postgres(engine{name: "signed_cookies on PostgreSQL", session: "signed_cookies"}),
	}
}

// transactions of the database; each statement of ours is one. Servers count a second late.
func transactions(t testing.TB, url string) (n int) {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	time.Sleep(1200 * time.Millisecond)
	if err := db.QueryRow("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// commands adds up the lines like cmdstat_getrange:calls=7,usec=…
func commands(stats string) (n int) {
	for line := range strings.Lines(stats) {
		name, rest, _ := strings.Cut(line, ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		if name == "cmdstat_info" || name == "cmdstat_auth" || name == "cmdstat_ping" || name == "cmdstat_hello" {
			continue
		}
		i, _ := strconv.Atoi(calls)
		n += i
	}
	return n
}

func (n near) settings(t testing.TB) settings {
	e := n.engine.cheap()
	if n.database != "" {
		e.database = func(testing.TB) string { return n.database }
	}
	if n.cache != "" {
		e.cache = func(testing.TB) string { return n.cache }
	}
	s := newSettings(t, e)
	s.extra = fmt.Sprintf("log: {level: warn}\nupstream: %q\n", newEcho(t).URL)
	return s
}

// warm asks until a request was answered from memory alone.
func (v *visitor) warm(p *process) {
	v.t.Helper()
	hits := func() float64 {
		m := p.metrics()
		return min(m[`coatcheck_near_cache_requests_total{of="sessions",result="hit"}`], m[`coatcheck_near_cache_requests_total{of="users",result="hit"}`])
	}
	before := hits()
	soon(v.t, "requests are answered from memory", func() bool {
		if res := v.fetch("/"); res.StatusCode != http.StatusOK {
			v.t.Fatalf("before anything happened: %s", res.Status)
		}
		return hits() > before+1
	})
}

// storeCalls are those of sessions and users that the process has made.
func (p *process) storeCalls() (n float64) {
	for name, value := range p.metrics() {
		if strings.HasPrefix(name, "coatcheck_store_call_duration_seconds_count") {
			n += value
		}
	}
	return n
}

// TestNearCache_noStoreCall: 1000 requests of a warm session ask no store, as the stores themselves count; heartbeats aside.
func TestNearCache_noStoreCall(t *testing.T) {
	for _, n := range nearEngines(t) {
		t.Run(n.name, func(t *testing.T) {
			p := serve(t, serveOptions{Config: n.settings(t).yaml()})
			p.addUser("alice")
			v := newVisitor(t, p.URL)
			v.login("alice", userPassword)
			v.warm(p)
			time.Sleep(100 * time.Millisecond)
			v.warm(p)
			began, calls := time.Now(), p.storeCalls()
			before := make([]int, len(n.counters))
			for i, c := range n.counters {
				before[i] = c.say()
			}
			for range 1000 {
				if res := v.fetch("/"); res.StatusCode != http.StatusOK {
					t.Fatalf("%s", res.Status)
				}
			}
			if asked := p.storeCalls() - calls; asked >= 10 {
				t.Errorf("1000 requests made %v calls of stores, want less than 10", asked)
			}
			for i, c := range n.counters {
				asked := c.say() - before[i]
				beats := int(time.Since(began)/time.Second) + 2 // and the counter's own
				if asked-beats >= 10 {
					t.Errorf("1000 requests made %s run %d commands in %s, want less than 10 and heartbeats", c.of, asked, time.Since(began))
				}
			}
		})
	}
}

// TestNearCache_revocation: what one process ends, the other one forgets, and nobody is served beyond the bound by what was warm (F30, 7.4.1, 7.4.2).
func TestNearCache_revocation(t *testing.T) {
	for _, n := range nearEngines(t) {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			s := n.settings(t)
			here, there := serve(t, serveOptions{Config: s.yaml()}), serve(t, serveOptions{Config: s.yaml()})
			command := func(stdin string, args ...string) func(v *visitor, name string) {
				return func(_ *visitor, name string) {
					if out, err := here.run(stdin, append(append(args, name), "--config", here.dir+"/config.yaml")...); err != nil {
						t.Fatalf("%v: %v\n%s", args, err, out)
					}
				}
			}
			for what, end := range map[string]func(v *visitor, name string){
				"logout":   func(v *visitor, _ string) { visitorWith(t, here.URL, v.cookie("sessionid")).logout() },
				"password": command("another password", "user", "passwd", "--password-stdin"),
				"disable":  command("", "user", "disable"),
				"delete":   command("", "user", "delete"),
			} {
				here.addUser(what)
				v := newVisitor(t, there.URL)
				v.login(what, userPassword)
				v.warm(there)
				end(v, what)
				began := time.Now()
				soon(t, what+" is known to the other process", func() bool {
					return visitorWith(t, there.URL, v.cookie("sessionid")).fetch("/").StatusCode == http.StatusUnauthorized
				})
				t.Logf("%s: after %s", what, time.Since(began).Round(time.Millisecond))
			}
		})
	}
}

// TestNearCache_feedCut: while a process cannot hear, it asks; a session that ends meanwhile is refused as soon as the loss is known, at most 3 s.
func TestNearCache_feedCut(t *testing.T) {
	cut := map[string]func(n near){
		"db on PostgreSQL": func(n near) {
			db, err := sqlconn.Open(n.database, sqlconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"); err != nil {
				t.Fatal(err)
			}
		},
	}
	redis := testenv.Redis(t)
	cut["cache on Redis"] = func(near) { redis.Do("CLIENT", "KILL", "TYPE", "pubsub") }
	for name, n := range map[string]near{
		"db on PostgreSQL": {engine: engine{session: "db"}, database: testenv.Postgres(t)},
		"cache on Redis":   {engine: engine{session: "cache"}, cache: redis.URL},
	} {
		t.Run(name, func(t *testing.T) {
			s := n.settings(t)
			here, there := serve(t, serveOptions{Config: s.yaml()}), serve(t, serveOptions{Config: s.yaml()})
			here.addUser("alice")
			for range 10 {
				v := newVisitor(t, there.URL)
				v.login("alice", userPassword)
				v.warm(there)
				cut[name](n)
				visitorWith(t, here.URL, v.cookie("sessionid")).logout()
				soon(t, "the logout is known", func() bool {
					return visitorWith(t, there.URL, v.cookie("sessionid")).fetch("/").StatusCode == http.StatusUnauthorized
				})
			}
			soon(t, "the feed is back", func() bool { return there.metrics()[`coatcheck_feed_heard{of="sessions"}`] == 1 })
		})
	}
}
