package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRaces runs bench/races for each engine (J1, J3, F10, F11, F13): a few rounds, or RACES_ROUNDS of them for the figures in bench/RACES.md.
func TestRaces(t *testing.T) {
	program := filepath.Join(t.TempDir(), "races")
	if out, err := exec.Command("go", "build", "-o", program, "coatcheck/bench/races").CombinedOutput(); err != nil {
		t.Fatalf("build races: %v\n%s", err, out)
	}
	args := []string{"-rounds=6", "-kill-every=3"}
	if rounds := os.Getenv("RACES_ROUNDS"); rounds != "" {
		args = []string{"-rounds=" + rounds, "-kill-every=20"}
	}
	t.Run("engines", func(t *testing.T) {
		forEachEngine(t, func(t *testing.T, e engine) {
			races(t, program, e, args...)
		})
	})
	t.Run("in memory", func(t *testing.T) { // generous: bounds are for quiet machines
		forEachEngine(t, func(t *testing.T, e engine) {
			races(t, program, e, append(slices.Clone(args), "-bound=1s")...)
		})
	})
	for _, e := range engines() {
		if e.session == "cached_db" {
			t.Run(e.name+", cold cache F11", func(t *testing.T) {
				t.Parallel()
				races(t, program, e, append(slices.Clone(args), "-cold")...)
			})
		}
	}
}

func races(t *testing.T, program string, e engine, args ...string) {
	t.Helper()
	args = append(args, "-binary="+coatcheck(t), "-engine="+e.session)
	if e.database != nil {
		args = append(args, "-database="+e.database(t))
	}
	if e.cache != nil {
		args = append(args, "-cache="+e.cache(t))
	}
	c := exec.Command(program, args...)
	c.Env = cleanEnv()
	out, err := c.CombinedOutput()
	t.Logf("%s\n%s", e.name, out)
	if err != nil {
		t.Errorf("races: %v", err)
	}
	for _, id := range []string{"J1", "J3"} {
		if !strings.Contains(string(out), fmt.Sprintf("%s: 0 violations", id)) {
			t.Errorf("%s does not hold", id)
		}
	}
}
