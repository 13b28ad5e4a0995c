package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/bench/stage"
)

// short is everything with few requests: it says nothing of speed.
func short(t *testing.T, only string) (options, string) {
	t.Helper()
	dir := t.TempDir()
	binary, err := stage.Build(context.Background(), dir, "coatcheck", !stage.Release)
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(dir, "REPORT.md")
	return options{only: only, binary: binary, report: report, rounds: 1, length: 50 * time.Millisecond, warmUp: 10 * time.Millisecond, fresh: 70,
		figures: true, sessions: 1000, kept: 100, starts: 1, proxyCore: -1, loadCore: -1}, report
}

// The program runs from the start of the peers to the report.
func TestCompare(t *testing.T) {
	only := "nginx-auth,nginx-auth-h2,caddy-auth,bare,coatcheck-db-sqlite,coatcheck-cached_db-redis,coatcheck-signed_cookies,coatcheck-file,coatcheck-db-sqlite-h2,coatcheck-public"
	o, file := short(t, only)
	if err := run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(only, ",") {
		if !strings.Contains(string(text), "| "+name+" |") && !strings.Contains(string(text), "- "+name+": ") {
			t.Errorf("%s is neither measured nor told to be missing", name)
		}
	}
	for _, heading := range []string{"## Goals", "## Warm", "## Cold", "## Over HTTP/2", "## Start and memory", "routes", "sessions in the store", "## Calls of stores"} {
		if !strings.Contains(string(text), heading) {
			t.Errorf("the report has no %q", heading)
		}
	}
}

func TestChosen(t *testing.T) {
	for only, want := range map[string]string{
		"nginx":           "nginx",
		"bare,nginx-auth": "bare, nginx-auth",
		"coatcheck-db-s*": "coatcheck-db-sqlite, coatcheck-db-sqlite-h2",
		"":                names(subjects()),
	} {
		list, err := chosen(only)
		if err != nil || names(list) != want {
			t.Errorf("%q: got %s, %v; want %s", only, names(list), err, want)
		}
	}
	if list, err := chosen("nobody"); err == nil {
		t.Errorf("nobody: got %v, want an error", names(list))
	}
}

func TestMedians(t *testing.T) {
	us := time.Microsecond
	f := medians([]sample{{cpu: 30 * us, perSec: 3}, {cpu: 10 * us, perSec: 1}, {cpu: 20 * us, perSec: 2}})
	if f.cpu != 20*us || f.perSec != 2 || f.spread != 1 {
		t.Errorf("got %v, %v/s, spread %v; want 20µs, 2/s, 1", f.cpu, f.perSec, f.spread)
	}
}

// What is missing is told.
func TestMissing(t *testing.T) {
	r := results{missing: []absent{{"haproxy", "not installed"}}}
	if text := r.markdown(options{}); !strings.Contains(text, "- haproxy: not installed") {
		t.Errorf("the report does not tell that haproxy is missing:\n%s", text)
	}
}
