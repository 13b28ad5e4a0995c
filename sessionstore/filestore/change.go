package filestore

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"time"

	"coatcheck/sessionstore"
)

const (
	// lockPrefix begins the names of the files that changes lock; they are never removed. It is no session's name and no temporary one's.
	lockPrefix = ".coatcheck-lock-"
	// locks is how many there are: changes of different sessions seldom wait for one another.
	locks = 64
	// firstPause doubles up to lastPause while another process has the lock.
	firstPause, lastPause = time.Millisecond / 4, 16 * time.Millisecond
)

// Change implements [sessionstore.Changer]. Changes lock one another out, also those of other processes on this machine. A save that
// takes no lock, such as Django's, is found out when the files are exchanged: what comes out must be what was read; otherwise the change is
// made once more, on what did come out.
func (s *Store) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	if !sessionstore.ValidKey(key) {
		return sessionstore.ErrGone
	}
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return fmt.Errorf("change session file: %w", err)
	}
	defer unlock()
	rec, seen, err := s.read(s.prefix + key)
	for err == nil {
		next := change(rec)
		if next == nil {
			return nil
		}
		var clean bool
		if clean, rec, seen, err = s.replace(ctx, key, *next, seen); clean {
			return err
		}
	}
	if err == sessionstore.ErrNotFound { //nolint:errorlint // a refused record is another thing
		return sessionstore.ErrGone
	}
	return err
}

// replace writes rec in exchange for what is there. It is clean if that is what was seen, or nothing was written; otherwise the change has
// to go on from what was there, and what it will meet next is the file that was just written.
func (s *Store) replace(ctx context.Context, key string, rec sessionstore.Record, seen fs.FileInfo) (clean bool, was sessionstore.Record, next fs.FileInfo, err error) {
	clean = true
	_, err = s.write(ctx, key, rec, func(tmp, final string) error {
		mine, err := s.root().Lstat(tmp)
		if err != nil {
			return err
		}
		err = exchange(s.folder.Load().dir, tmp, final)
		if errors.Is(err, fs.ErrNotExist) {
			return sessionstore.ErrGone
		}
		if err != nil {
			return err
		}
		out, err := s.root().Lstat(tmp)
		if err != nil || sameFile(out, seen) {
			return err
		}
		clean, next = false, mine
		was, _, err = s.read(tmp)
		return err
	})
	return clean, was, next, err
}

// sameFile: a number of a file may be used again, but not with the time of the other.
func sameFile(a, b fs.FileInfo) bool { return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) }

// lock waits for the lock of key, at most until ctx ends. Each call opens the file anew, so that it locks out others of this process, too.
func (s *Store) lock(ctx context.Context, key string) (unlock func(), err error) {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(key))
	f, err := s.root().OpenFile(fmt.Sprintf("%s%02d", lockPrefix, sum.Sum32()%locks), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errors.Join(err, s.removed())
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		locked, err := tryLock(f)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if locked {
			return func() { _ = f.Close() }, nil // which unlocks
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(sessionstore.ErrContended, ctx.Err(), f.Close())
		case <-time.After(pause):
		}
	}
}
