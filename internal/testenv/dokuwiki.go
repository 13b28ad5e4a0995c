package testenv

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The places that the package dokuwiki spreads the application over, and where its own archive has them.
var dokuwikiParts = map[string]string{"/usr/share/dokuwiki": ".", "/var/lib/dokuwiki/lib": "lib", "/etc/dokuwiki": "conf"}

// DokuWikiRoot unpacks DokuWiki as its own archive has it: settings and data below the document root, where nothing but the web server keeps
// them from the world. What is in the folder conf/local.php is settings; it gives the folder.
func DokuWikiRoot(t testing.TB, settings string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "dokuwiki")
	for from, to := range dokuwikiParts {
		if _, err := os.Stat(from); err != nil {
			missing(t, fmt.Sprintf("%v; install the package dokuwiki (scripts/test-packages does)", err))
		}
		if err := copyReadable(filepath.Join(root, to), from); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range strings.Fields("attic cache index locks log media media_attic media_meta meta pages tmp") {
		if err := os.MkdirAll(filepath.Join(root, "data", folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The package's own line to /etc goes, and its place for the data.
	if err := os.Remove(filepath.Join(root, "inc/preload.php")); err != nil {
		t.Fatal(err)
	}
	text := "<?php\n$conf['savedir'] = './data';\n" + settings
	if err := os.WriteFile(filepath.Join(root, "conf/local.php"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// copyReadable copies the files and folders that we may read; links and the rest stay out.
func copyReadable(to, from string) error {
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if os.IsPermission(err) {
			return fs.SkipDir
		}
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case entry.Type().IsRegular():
			return copyFile(target, path)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return nil
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if os.IsPermission(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}
