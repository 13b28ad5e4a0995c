package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// formerBinary builds the version of the latest tag, or, before there is one, of the commit that testdata/rolling-from names.
func formerBinary(t *testing.T) string {
	t.Helper()
	former, err := exec.Command("git", "describe", "--tags", "--abbrev=0", "HEAD^").Output()
	if err != nil {
		former = []byte(readFile(t, "testdata/rolling-from"))
	}
	commit := strings.TrimSpace(string(former))
	dir := t.TempDir()
	script := `set -e; git -C "$(git rev-parse --show-toplevel)" archive "$1" | tar -x -C "$2"; cd "$2"; go build -o former .`
	if out, err := exec.Command("sh", "-c", script, "sh", commit, dir).CombinedOutput(); err != nil {
		text := fmt.Sprintf("build the version %s: %v\n%s", commit, err, out)
		if os.Getenv("CI") != "" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	return filepath.Join(dir, "former")
}

// rollingLoad are clients that are logged in and go from proxy to proxy.
type rollingLoad struct {
	asked, failed atomic.Int64
	stop          context.CancelFunc
	clients       sync.WaitGroup
}

func newRollingLoad(t *testing.T, cookie string, fleet []*manager) *rollingLoad {
	ctx, stop := context.WithCancel(t.Context())
	l := &rollingLoad{stop: stop}
	for i := range 4 {
		l.clients.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
			defer client.CloseIdleConnections()
			for n := i; ctx.Err() == nil; n++ {
				l.asked.Add(1)
				if err := askAsAlice(client, "http://"+fleet[n%len(fleet)].address, cookie); err != nil {
					l.failed.Add(1)
					t.Log(err)
				}
			}
		})
	}
	return l
}

func askAsAlice(client *http.Client, url, cookie string) error {
	req, err := http.NewRequest(http.MethodGet, url+"/", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.AddCookie(&http.Cookie{Name: "sessionid", Value: cookie})
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var seen http.Header
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil || res.StatusCode != http.StatusOK || seen.Get("Remote-User") != "alice" {
		return fmt.Errorf("answered %s for %q: %v", res.Status, seen.Get("Remote-User"), err)
	}
	return nil
}

func (l *rollingLoad) end(t *testing.T) {
	t.Helper()
	l.stop()
	l.clients.Wait()
	if l.failed.Load() > 0 || l.asked.Load() < 50 {
		t.Errorf("%d of %d requests failed, want none of many", l.failed.Load(), l.asked.Load())
	}
}

// Three proxies on PostgreSQL and Redis are upgraded one after the other, from the former version to this one, under load: no request
// fails, and while both versions run, a login or logout at either holds at both.
func TestRollingUpgrade_F24(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds another version")
	}
	former := formerBinary(t)
	s := newSettings(t, engine{session: "cached_db", database: testenv.Postgres, cache: redisCache, hash: "md5"})
	s.extra = fmt.Sprintf("routes: [{path: /, upstream: %q}]\n", newEcho(t).URL)
	var fleet []*manager
	var running []*process
	for range 3 {
		m := newManager(t, s.yaml())
		m.binary = former
		fleet, running = append(fleet, m), append(running, m.start())
	}
	add := exec.Command(former, "user", "add", "alice", "--password-stdin", "--config", "config.yaml")
	add.Dir, add.Env, add.Stdin = fleet[0].dir, cleanEnv(), strings.NewReader(userPassword+"\n")
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	v := newVisitor(t, running[0].URL)
	v.login("alice", userPassword)
	load := newRollingLoad(t, v.cookie("sessionid"), fleet)
	for i, m := range fleet {
		time.Sleep(200 * time.Millisecond) // some load between the upgrades
		m.hear()
		if code := running[i].stop(); code != 0 {
			t.Errorf("exit code: got %d, want 0", code)
		}
		m.binary = ""
		running[i] = m.start()
		if i == 1 {
			mixed(t, running[0].URL, running[2].URL)
			mixed(t, running[2].URL, running[1].URL)
		}
	}
	load.end(t)
}

// mixed checks that a login at here holds at there, and a logout there holds here.
func mixed(t *testing.T, here, there string) {
	t.Helper()
	v := newVisitor(t, here)
	v.login("alice", userPassword)
	cookie := v.cookie("sessionid")
	if got := visitorWith(t, there, cookie).status("/"); got != http.StatusOK {
		t.Errorf("after a login at the other version: got %d, want 200", got)
	}
	if res := visitorWith(t, there, cookie).logout(); res.StatusCode != http.StatusSeeOther {
		t.Errorf("logout: %s", res.Status)
	}
	soon(t, "the logout holds at the other version", func() bool { return visitorWith(t, here, cookie).status("/") == http.StatusUnauthorized })
}

// Three processes are one fleet: a login at one is a login at all, and goes on when that one is killed; a logout at one holds at all.
func TestFleetLosesOne(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{
		{name: "db on PostgreSQL", session: "db", database: testenv.Postgres, hash: "md5"},
		{name: "cached_db on PostgreSQL and Redis", session: "cached_db", database: testenv.Postgres, cache: redisCache, hash: "md5"},
	} {
		t.Run(e.name, func(t *testing.T) {
			s := newSettings(t, e)
			s.extra = fmt.Sprintf("routes: [{path: /, upstream: %q}]\n", newEcho(t).URL)
			var fleet []*process
			for range 3 {
				fleet = append(fleet, serve(t, serveOptions{Config: s.yaml()}))
			}
			fleet[0].addUser("alice")
			v := newVisitor(t, fleet[0].URL)
			v.login("alice", userPassword)
			cookie := v.cookie("sessionid")
			for i, p := range fleet {
				if got := visitorWith(t, p.URL, cookie).status("/"); got != http.StatusOK {
					t.Errorf("process %d: got %d, want 200", i, got)
				}
			}
			fleet[0].kill()
			for i, p := range fleet[1:] {
				if got := visitorWith(t, p.URL, cookie).status("/"); got != http.StatusOK {
					t.Errorf("process %d, after the one of the login was killed: got %d, want 200", i+1, got)
				}
			}
			visitorWith(t, fleet[1].URL, cookie).logout()
			soon(t, "the logout holds at the third", func() bool { return visitorWith(t, fleet[2].URL, cookie).status("/") == http.StatusUnauthorized })
		})
	}
}
