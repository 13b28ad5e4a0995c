package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFilesThatWereRead(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef0123456789abcdef0123\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "secret_key_file: " + secret + "\n"
	if got := mustLoad(t, Options{Path: write(t, text)}).Files; !slices.Equal(got, []string{secret}) {
		t.Errorf("got %q, want the file of the secret", got)
	}
	absent := filepath.Join(dir, "absent")
	cfg, err := Load(Options{Path: write(t, text+"database: {url_file: "+absent+"}\n")})
	if err == nil || !slices.Contains(cfg.Files, absent) {
		t.Errorf("got %q, %v; want an error, and the file that may still come", cfg.Files, err)
	}
}
