package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func lookAtFiles(_ context.Context, p *Patient, n *notes) {
	c := p.Config
	p.lookAtDataDir(n)
	private(n, "data_dir", p.KeyFile, 0o077)
	private(n, "tls.key_file", c.TLS.KeyFile, 0o007) // a group is how other programs hand keys on
	if !c.SecretKey.Empty() && c.SecretKeyFile == "" {
		private(n, "secret_key", p.ConfigPath, 0o007)
	}
	if p.SessionDir != "" {
		private(n, "session.file_path", p.SessionDir, 0o002)
		writable(n, "session.file_path", p.SessionDir)
	}
	n.well("the files have the right owners and modes")
}

func (p *Patient) lookAtDataDir(n *notes) {
	dir := p.Config.DataDir
	_, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		n.ok("data_dir %s is not there yet; serve makes it", dir)
		writable(n, "data_dir", existing(dir))
		return
	case err != nil:
		n.problem("data_dir", err.Error(), "let this user read and write "+dir)
		return
	}
	private(n, "data_dir", dir, 0o002)
	private(n, "data_dir", filepath.Join(dir, "coatcheck.sqlite3"), 0o006)
	writable(n, "data_dir", dir)
}

// existing is the nearest folder above path that is there.
func existing(path string) string {
	path, err := filepath.Abs(path)
	for err == nil && path != "/" {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		path = filepath.Dir(path)
	}
	return "/"
}

// private looks for modes that let others in; a file that is not there is nobody's business here.
func private(n *notes, key, path string, others fs.FileMode) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&others == 0 || info.Mode()&fs.ModeSticky != 0 {
		return
	}
	n.problem(key, fmt.Sprintf("%s is open to other users (mode %04o)", path, info.Mode().Perm()), fmt.Sprintf("run: chmod %04o %s", info.Mode().Perm()&^0o077, path))
}

// writable asks the system whether this user may write there.
func writable(n *notes, key, path string) {
	if err := access(path); err != nil {
		n.problem(key, fmt.Sprintf("this user cannot write in %s: %v", path, err), "give the folder to the user that coatcheck runs as, or name another in "+key)
	}
}
