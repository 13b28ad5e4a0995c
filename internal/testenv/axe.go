package testenv

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Axe is the source of axe-core, which finds what keeps people out of a page. Run in a page, it defines axe.
func Axe(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	found, err := filepath.Glob(filepath.Join(filepath.Dir(file), "../../.cache/axe-core-*/axe.min.js"))
	if err != nil || len(found) == 0 {
		missing(t, "axe-core is not there; sh scripts/fetch-axe fetches it")
	}
	source, err := os.ReadFile(found[len(found)-1])
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}
