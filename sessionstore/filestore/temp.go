package filestore

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// tempPrefix begins the names of files that are not published yet. It is no session's name, whatever the cookie is called, since Django's
// clearsessions visits everything that begins with it.
const tempPrefix = ".coatcheck-session-"

// writeTemp writes a file of mode 0600 under a fresh temporary name and returns the name. On an error no file is left.
func (s *Store) writeTemp(text []byte) (string, error) {
	name := tempPrefix + strings.ToLower(rand.Text())
	f, err := s.root().OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil && s.sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, s.root().Remove(name))
	}
	return name, nil
}

// isTemp reports whether a file is a temporary one that its writer has forgotten: a killed process of ours, or Django's `_out_` files.
func (s *Store) isTemp(info fs.FileInfo) bool {
	ours := strings.HasPrefix(info.Name(), tempPrefix)
	django := strings.HasPrefix(info.Name(), s.prefix) && strings.Contains(info.Name(), "_out_")
	return (ours || django) && s.now().Sub(info.ModTime()) > tempAge
}
