package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const referenceFile = "../../docs/configuration.md"

func TestReference(t *testing.T) {
	if *update {
		if err := os.WriteFile(referenceFile, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Reference(), string(data)); d != "" {
		t.Errorf("docs/configuration.md is not what the table of keys says; run go test ./internal/config -update\n%s", d)
	}
}

// Every key with a variable of its own stands there with it, and no row has more or fewer cells than the head.
func TestReferenceIsWhole(t *testing.T) {
	page := Reference()
	for _, key := range Keys() {
		if !strings.Contains(page, "| `"+key+"`<br>`"+EnvName(key)+"` |") {
			t.Errorf("%s is missing", key)
		}
	}
	for line := range strings.Lines(page) {
		if cells := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") - 1; strings.HasPrefix(line, "|") && cells != 5 {
			t.Errorf("%d cells, want 5: %s", cells, line)
		}
	}
}
