package filestore

import (
	"errors"
	"io/fs"
	"time"

	"coatcheck/sessionstore"
)

// Stamp tells one state of a record from another without reading it: when it was modified, its size in bytes and its inode. Every save
// is a new file, ours and Django's. A file that is gone is [sessionstore.ErrNotFound].
func (s *Store) Stamp(key string) (modified time.Time, size int64, inode uint64, err error) {
	info, err := s.root().Lstat(s.prefix + key)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, 0, 0, sessionstore.ErrNotFound
	}
	if err != nil {
		return time.Time{}, 0, 0, err
	}
	if inode, err = inodeOf(info); err != nil {
		return time.Time{}, 0, 0, err
	}
	return info.ModTime(), info.Size(), inode, nil
}
