package tlsconf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"coatcheck/internal/signing"
)

// sealSalt makes the sealing key another than every signing key.
const sealSalt = "coatcheck.certificates"

// longestKey bounds a key, in bytes: two names of 253 and what stands around them fit.
const longestKey = 1024

// shared is certmagic's storage on a [Shelf]. What is on the shelf is sealed under the secret key and bound to its name: who can read or write the
// shelf alone learns no private key and can plant none. Directories are what keys begin with.
type shared struct {
	shelf Shelf
	seal  signing.Sealer
	log   *slog.Logger
	now   func() time.Time
	*locks
}

var _ certmagic.Storage = (*shared)(nil)

func newShared(shelf Shelf, keys signing.Keys, log *slog.Logger) *shared {
	return &shared{shelf: shelf, seal: signing.NewSealer(sealSalt, keys), log: log, now: time.Now, locks: newLocks(shelf, log)}
}

// errKey: certmagic makes its keys clean; another is a mistake or an attack.
var errKey = errors.New("not the key of a certificate's file")

// checkKey takes slash-separated names without dots and control characters.
func checkKey(key string) error {
	if !fs.ValidPath(key) || key == "." || len(key) > longestKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == '\\' }) {
		return fmt.Errorf("%w: %.60q", errKey, key)
	}
	return nil
}

// errLost: another process has taken the lock over, and what was made under it is not written any more.
var errLost = errors.New("the lock on this certificate was lost to another process")

// Store implements [certmagic.Storage]. What belongs to a certificate whose lock is held is written only as long as it is.
func (s *shared) Store(ctx context.Context, key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	text := binary.BigEndian.AppendUint64(nil, uint64(s.now().UnixMilli()))
	lock, token := s.guard(key)
	done, err := s.shelf.Put(ctx, key, s.seal.Seal(append(text, value...), key), lock, token)
	if err == nil && !done {
		err = errLost
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return nil
}

// Load implements [certmagic.Storage].
func (s *shared) Load(ctx context.Context, key string) ([]byte, error) {
	value, _, err := s.read(ctx, key)
	return value, err
}

const timeSize = 8 // bytes before a value: when it was written

// read: what no key of ours opens counts as absent, so that it is made anew, and said so.
func (s *shared) read(ctx context.Context, key string) ([]byte, time.Time, error) {
	if err := checkKey(key); err != nil {
		return nil, time.Time{}, err
	}
	sealed, err := s.shelf.Get(ctx, key)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("load %s: %w", key, err)
	}
	text, ok := s.seal.Open(sealed, key)
	if !ok || len(text) < timeSize {
		s.log.Warn("a stored certificate cannot be opened and is made anew: it was sealed under a secret_key that is not among ours", "key", key)
		return nil, time.Time{}, fmt.Errorf("load %s: %w", key, fs.ErrNotExist)
	}
	return text[timeSize:], time.UnixMilli(int64(binary.BigEndian.Uint64(text))), nil
}

// Delete implements [certmagic.Storage].
func (s *shared) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	below, err := s.shelf.Names(ctx, key+"/")
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	for _, name := range append(below, key) {
		if err := s.shelf.Remove(ctx, name); err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
	}
	return nil
}

// Exists implements [certmagic.Storage].
func (s *shared) Exists(ctx context.Context, key string) bool {
	_, err := s.Stat(ctx, key)
	return err == nil
}

// List implements [certmagic.Storage]. Directories are listed, too, as those of files are.
func (s *shared) List(ctx context.Context, dir string, recursive bool) ([]string, error) {
	prefix := ""
	if dir != "" {
		if err := checkKey(dir); err != nil {
			return nil, err
		}
		prefix = dir + "/"
	}
	names, err := s.shelf.Names(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("list %s: %w", dir, fs.ErrNotExist)
	}
	var keys []string
	for _, name := range names {
		parts := strings.Split(strings.TrimPrefix(name, prefix), "/")
		if !recursive {
			parts = parts[:1]
		}
		for i := range parts {
			keys = append(keys, prefix+path.Join(parts[:i+1]...))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// Stat implements [certmagic.Storage].
func (s *shared) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	value, modified, err := s.read(ctx, key)
	if err == nil {
		return certmagic.KeyInfo{Key: key, Modified: modified, Size: int64(len(value)), IsTerminal: true}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return certmagic.KeyInfo{}, err
	}
	below, fault := s.shelf.Names(ctx, key+"/")
	switch {
	case fault != nil:
		return certmagic.KeyInfo{}, fmt.Errorf("look at %s: %w", key, fault)
	case len(below) == 0:
		return certmagic.KeyInfo{}, err
	}
	return certmagic.KeyInfo{Key: key}, nil
}
