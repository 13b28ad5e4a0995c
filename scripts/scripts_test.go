// Package scripts tests the scripts that make a release.
package scripts

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = ".."
	out, err := c.Output()
	if err != nil {
		var text []byte
		if exit, ok := err.(*exec.ExitError); ok {
			text = exit.Stderr
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(out)
}

func TestTwoBuildsAreOne_X5(t *testing.T) {
	if testing.Short() {
		t.Skip("builds twice")
	}
	if err := exec.Command("git", "rev-parse", "HEAD").Run(); err != nil {
		t.Skip("not in a repository")
	}
	if got := run(t, "sh", "scripts/reproducible"); !regexp.MustCompile(`^[0-9a-f]{64}\n$`).MatchString(got) {
		t.Errorf("printed %q, want one hash", got)
	}
}

// The bill of materials says what go version -m says.
func TestBillOfMaterials_X3(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "sbom")
	run(t, "go", "build", "-o", binary, "./scripts/sbom")
	main := filepath.Join(t.TempDir(), "coatcheck")
	run(t, "go", "build", "-o", main, ".")
	var bill bom
	if err := json.Unmarshal([]byte(run(t, binary, main)), &bill); err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for _, c := range bill.Components {
		listed[c.Name] = c.Version
	}
	lines := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(run(t, "go", "version", "-m", main), -1)
	for _, line := range lines {
		if listed[line[1]] != line[2] {
			t.Errorf("%s: the bill has version %q, the binary %q", line[1], listed[line[1]], line[2])
		}
	}
	if len(lines) < 10 || len(bill.Components) != len(lines)+1 {
		t.Errorf("the bill lists %d components, the binary %d and the standard library", len(bill.Components), len(lines))
	}
}

type bom struct {
	Components []struct{ Name, Version string }
}

// The completion is a script that bash takes, and it registers itself.
func TestBashCompletion(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	main := filepath.Join(t.TempDir(), "coatcheck")
	run(t, "go", "build", "-o", main, ".")
	if out := run(t, "bash", "-c", `set -e; source <("$0" completion bash); complete -p coatcheck`, main); !strings.Contains(out, "__start_coatcheck") {
		t.Errorf("bash has registered %q", out)
	}
	if out := run(t, main, "__complete", "user", ""); !strings.Contains(out, "passwd") {
		t.Errorf("after user, offered: %q", out)
	}
}
