package filestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"coatcheck/sessionstore"
)

const (
	// tempAge is how old a temporary file must be to count as forgotten; a write takes milliseconds.
	tempAge = time.Hour
	// clearBatch is how many directory entries are read at a time.
	clearBatch = 1000
)

// ClearExpired implements [sessionstore.Store]; it also removes forgotten temporary files, which do not count.
func (s *Store) ClearExpired(ctx context.Context) (removed int64, err error) {
	err = s.walk(ctx, func(name string) error {
		gone, err := s.clearOne(name)
		if gone {
			removed++
		}
		return err
	})
	return removed, err
}

func (s *Store) clearOne(name string) (bool, error) {
	if strings.HasPrefix(name, tempPrefix) || !s.isSession(name) {
		return false, s.clearTemp(name)
	}
	_, judged, err := s.read(name)
	if !errors.Is(err, sessionstore.ErrNotFound) || judged == nil || isRefused(err) {
		return false, nil // live, gone already, damaged (left for the operator to see) or unreadable
	}
	// A request that began before the session's end may have saved it meanwhile.
	now, err := s.root().Lstat(name)
	if err != nil || !now.ModTime().Equal(judged.ModTime()) {
		return false, nil
	}
	return s.remove(name)
}

func isRefused(err error) bool {
	var refused *sessionstore.RefusedError
	return errors.As(err, &refused)
}

func (s *Store) clearTemp(name string) error {
	info, err := s.root().Lstat(name)
	if err != nil || !s.isTemp(info) {
		return nil
	}
	_, err = s.remove(name)
	return err
}

func (s *Store) remove(name string) (bool, error) {
	err := s.root().Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove session file: %w", err)
	}
	return true, nil
}

// isSession reports whether the file's name is that of a session: other files in the directory are nobody's business.
func (s *Store) isSession(name string) bool {
	key, ok := strings.CutPrefix(name, s.prefix)
	return ok && sessionstore.ValidKey(key)
}

// Keys implements [sessionstore.Lister].
func (s *Store) Keys(ctx context.Context, yield func(key string) bool) error {
	err := s.walk(ctx, func(name string) error {
		if s.isSession(name) && !yield(strings.TrimPrefix(name, s.prefix)) {
			return fs.SkipAll
		}
		return nil
	})
	if errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// walk calls visit with each name in the directory until it returns an error, which walk returns. It reads batch by batch: there may
// be millions.
func (s *Store) walk(ctx context.Context, visit func(name string) error) error {
	dir, err := s.root().Open(".")
	if err != nil {
		return fmt.Errorf("read session directory: %w", err)
	}
	defer dir.Close()
	for {
		names, err := dir.Readdirnames(clearBatch)
		for _, name := range names {
			if err := errors.Join(ctx.Err(), visit(name)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read session directory: %w", err)
		}
	}
}
