package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhoMayRead_13_3_1_F27(t *testing.T) {
	we := process{1000, []int{2000, 3000}}
	for _, c := range []struct {
		name       string
		of         owner
		credential bool
		want       bool
	}{
		{"Kubernetes: root and the pod's group", owner{0, 2000}, false, true},
		{"root and a group of others", owner{0, 100}, false, false},
		{"a user who lets in our group", owner{1001, 2000}, false, false},
		{"our own file, open to our group", owner{1000, 2000}, false, false},
		{"systemd: root, with a list", owner{0, 0}, true, true},
		{"systemd: our own", owner{1000, 2000}, true, true},
		{"a stranger's in the credentials directory", owner{1001, 2000}, true, false},
	} {
		if got := trusted(c.of, we, c.credential); got != c.want {
			t.Errorf("%s: %+v is trusted %v, want %v", c.name, c.of, got, c.want)
		}
	}
}

func TestCredentialsDirectory_F27(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, other} {
		if err := os.WriteFile(filepath.Join(d, "key"), []byte(hunter), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(d, "key"), 0o440); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(other, "key"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	for path, want := range map[string]bool{dir + "/key": true, dir + "/link": false, other + "/key": false, dir + "/../x": false} {
		if got := isCredential(path); got != want {
			t.Errorf("%s is a credential: got %v, want %v", path, got, want)
		}
	}
	if got, err := ReadSecretFile(dir + "/key"); err != nil || got.Reveal() != hunter {
		t.Errorf("a credential of mode 0440: got %v, %v", got, err)
	}
	for _, mode := range []os.FileMode{0o444, 0o460, 0o404, 0o450} {
		if err := os.Chmod(dir+"/key", mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSecretFile(dir + "/key"); err == nil {
			t.Errorf("a credential of mode %04o was taken", mode)
		}
	}
}

func TestOpenConfigFile_13_3_1_F27(t *testing.T) {
	for _, c := range []struct {
		name, text string
		mode       os.FileMode
		want       string // key that is warned of; empty: none
	}{
		{"a secret that everybody may read", "secret_key: " + strings.Repeat("x", 60), 0o644, "secret_key"},
		{"a secret that nobody else may read", "secret_key: " + strings.Repeat("x", 60), 0o600, ""},
		{"a password in an address", "cache: {url: 'redis://:p@h:1'}", 0o644, "cache.url"},
		{"an address without password", "cache: {url: 'redis://h:1'}", 0o644, ""},
		{"a password of a route", "routes: [{path: /, upstream: 'http://u', identity: {basic_auth: {username: u, password: p}}}]", 0o644, "routes[0].identity.basic_auth.password"},
		{"no secret", "log: {level: info}", 0o644, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(mustLoad(t, Options{Path: path}).Warnings)
			if warned := strings.Contains(got, "others may read"); warned != (c.want != "") || !strings.Contains(got, c.want) {
				t.Errorf("warnings %s, want one of %q", got, c.want)
			}
		})
	}
}
