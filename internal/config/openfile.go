package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// owner is who a file belongs to.
type owner struct{ user, group int }

// open reports whether others than its owner, and those he means, may read a file. A group may where root has made it ours: that is how Kubernetes
// hands out secrets (fsGroup, root:GROUP 0440). And in systemd's credentials directory, where the bits of the group tell that a list names us (ACL).
// Nobody else may write it.
func open(path string, info os.FileInfo) bool {
	mode := info.Mode().Perm()
	if mode&0o077 == 0 {
		return false
	}
	of, known := ownerOf(info)
	if mode&0o037 != 0 || !known {
		return true
	}
	return !trusted(of, ours(), isCredential(path))
}

// process is who we are.
type process struct {
	user   int
	groups []int
}

func ours() process {
	groups, err := os.Getgroups()
	if err != nil {
		groups = nil
	}
	return process{os.Geteuid(), append(groups, os.Getegid())}
}

// trusted reports whether the group of a file may read it.
func trusted(of owner, we process, credential bool) bool {
	if credential {
		return of.user == 0 || of.user == we.user
	}
	return of.user == 0 && slices.Contains(we.groups, of.group)
}

// isCredential reports whether path is in the directory that systemd has made for this service (systemd.exec(5), LoadCredential=).
func isCredential(path string) bool {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if !filepath.IsAbs(dir) {
		return false
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	inside, err := filepath.Rel(dir, real)
	return err == nil && filepath.IsLocal(inside)
}

const othersMayRead = "is in a file that others may read"

// checkConfigFile warns of a file that tells its secrets to others. It is not refused: often it holds none that matter.
func (l *loading) checkConfigFile(path string) {
	info, err := os.Stat(path)
	if path == "" || err != nil || !open(path, info) {
		return
	}
	for _, key := range l.secretsIn(path) {
		l.warn(key, othersMayRead+" (mode %04o): chmod 600 it, or put the secret into a file of its own (%s_file)", info.Mode().Perm(), key)
	}
}

// secretsIn are the keys whose secret stands in the file.
func (l *loading) secretsIn(path string) (keys []string) {
	for key, o := range l.origins {
		if o.source == path && o.secret {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// tells reports whether the value of a secret key is one: an address without a password is none.
func tells(key string, n *yaml.Node) bool {
	if strings.HasSuffix(key, "url") {
		return strings.Contains(n.Value, "@")
	}
	return n.Value != "" || len(n.Content) > 0
}
