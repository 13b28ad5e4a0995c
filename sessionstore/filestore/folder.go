package filestore

import (
	"errors"
	"fmt"
	"os"
)

// folder is the open directory.
type folder struct {
	root *os.Root
	dir  *os.File // for fsync and renameat2
}

func openFolder(path string) (*folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open session directory (key session.file_path): %w", err)
	}
	dir, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open session directory (key session.file_path): %w", err), root.Close())
	}
	return &folder{root, dir}, nil
}

func (f *folder) close() error { return errors.Join(f.dir.Close(), f.root.Close()) }

func (s *Store) root() *os.Root { return s.folder.Load().root }

// errRemoved: nothing is in a directory that is no longer anywhere, and that says nothing of the sessions.
var errRemoved = errors.New("the session directory was removed")

// removed tells a missing file from a missing directory, which is a fault: it must not log anybody out. Where the directory is back under its
// name, the next call finds it.
func (s *Store) removed() error {
	held := s.folder.Load()
	if !unlinked(held.dir) {
		return nil
	}
	fresh, err := openFolder(s.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errRemoved, err)
	}
	if !s.folder.CompareAndSwap(held, fresh) { // another request was faster
		return errors.Join(errRemoved, fresh.close())
	}
	return errors.Join(errRemoved, held.close())
}
