package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: whatever the file and the environment hold, Load returns; what it accepts, it shows and reads again.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data), "")
	}
	f.Add(full, "{level: debug}")
	f.Add("a: &a [*a]", "&a [*a]")
	f.Add("? [a]\n: b\n", "? {}")
	f.Add("<<: *x", "!!binary x")
	f.Add(strings.Repeat("[", 500), strings.Repeat("{a: ", 500))
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, text, env string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return
		}
		cfg, err := Load(Options{Path: path, Environ: []string{"COATCHECK_LOG=" + env, "COATCHECK_ROUTES=" + env, "COATCHECK_" + env}})
		if err != nil && err.Error() == "" {
			t.Error("a problem without words")
		}
		shown := cfg.Effective()
		if err != nil || !cfg.SecretKey.Empty() || len(cfg.SecretKeyFallbacks) > 0 || !cfg.Database.URL.Empty() {
			return
		}
		if err := os.WriteFile(path, []byte(shown), 0o600); err != nil {
			return
		}
		again, err := Load(Options{Path: path})
		if err != nil {
			t.Fatalf("shown configuration is refused: %v\n%s", err, shown)
		}
		if d := diff(cfg, again); d != "" {
			t.Errorf("shown and read again: %s", d)
		}
	})
}
