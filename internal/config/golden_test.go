package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// report is what config check shows: problems, or else ok; then warnings.
func report(opts Options) string {
	cfg, err := Load(opts)
	lines := "ok"
	if err != nil {
		lines = err.Error()
	}
	for _, w := range cfg.Warnings {
		if !strings.Contains(w.Text, othersMayRead) { // which depends on who checked the cases out
			lines += "\nwarning: " + w.String()
		}
	}
	return lines + "\n"
}

// TestGolden: a new case is a new testdata/*.yaml; -update writes what is reported beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got := report(Options{Path: file})
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("# a line of a comment\n", 60000)), 0o600); err != nil {
		t.Fatal(err)
	}
	megabyte := filepath.Join(dir, "megabyte.yaml")
	if err := os.WriteFile(megabyte, []byte(strings.Repeat("# a line of a comment\n", 45000)+"fold_path: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, path, want string }{
		{"missing", dir + "/none.yaml", dir + "/none.yaml: does not exist\n"},
		{"directory", dir, dir + ": is a directory; name a file\n"},
		{"device", "/dev/zero", "/dev/zero: is not a regular file\n"},
		{"larger than 1 MiB", large, large + ": is larger than 1024 KiB\n"},
		{"a megabyte", megabyte, megabyte + ":45001: fold_path: unknown key; did you mean fold_paths?\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := report(Options{Path: c.path}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
