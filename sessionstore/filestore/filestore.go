// Package filestore keeps session records in files, as Django's file engine does (contrib/sessions/backends/file.py): one file a
// session, named by the cookie's name and the session key, holding the signed text.
//
// It differs where Django's engine is unsafe: a record is never seen half written, a save after a logout is refused, and a session whose
// `_session_expiry` is a positive number ends that many seconds after its last save, where Django's never ends.
package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
)

// maxFile bounds what is read of one record, in bytes.
const maxFile = 4 << 20

// Options say where and how.
type Options struct {
	// Dir is SESSION_FILE_PATH; it must exist. Django runs as the same user, or neither can read the other's files.
	Dir string
	// CookieName is SESSION_COOKIE_NAME: the prefix of every file name.
	CookieName string
	// Settings decide about the end of a record without a date of its own: its file's modification time counts.
	Settings sessionstore.Settings
	// NoSync leaves out fsync: a power cut may then lose logins that were acknowledged.
	NoSync bool
	Now    func() time.Time
}

// Store keeps records in one directory.
type Store struct {
	path     string
	folder   atomic.Pointer[folder]
	codec    *codec.Signed
	prefix   string
	settings sessionstore.Settings
	sync     bool
	now      func() time.Time
}

var (
	_ sessionstore.Store   = (*Store)(nil)
	_ sessionstore.Lister  = (*Store)(nil)
	_ sessionstore.Changer = (*Store)(nil)
)

// Open returns a store over an existing directory. Close it.
func Open(c *codec.Signed, o Options) (*Store, error) {
	f, err := openFolder(o.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{path: o.Dir, codec: c, prefix: o.CookieName, settings: o.Settings, sync: !o.NoSync, now: o.Now}
	s.folder.Store(f)
	return s, nil
}

// Close releases the directory.
func (s *Store) Close() error { return s.folder.Load().close() }

// Load implements [sessionstore.Store].
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if !sessionstore.ValidKey(key) { // no file name of ours (Django: InvalidSessionKey)
		return sessionstore.Record{}, sessionstore.ErrNotFound
	}
	if err := ctx.Err(); err != nil {
		return sessionstore.Record{}, fmt.Errorf("load session from file: %w", err)
	}
	rec, _, err := s.read(s.prefix + key)
	return rec, err
}

// read returns the live record in the file and the file as it was read. The returned error is one of Load's.
func (s *Store) read(name string) (sessionstore.Record, fs.FileInfo, error) {
	f, err := s.root().Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return sessionstore.Record{}, nil, cmp.Or(s.removed(), sessionstore.ErrNotFound)
	}
	if err != nil {
		return sessionstore.Record{}, nil, fmt.Errorf("open session file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return sessionstore.Record{}, nil, fmt.Errorf("read session file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return sessionstore.Record{}, info, &sessionstore.RefusedError{Reason: "no regular file of a sensible size"}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return sessionstore.Record{}, info, fmt.Errorf("read session file: %w", err)
	}
	rec, err := s.decode(text, info.ModTime())
	return rec, info, err
}

func (s *Store) decode(text []byte, modified time.Time) (sessionstore.Record, error) {
	rec := sessionstore.Record{Data: pyvalue.NewDict()}
	if len(text) > 0 { // Django's save with must_create leaves an empty file for a moment: a session without data
		data, fallback, err := s.codec.Decode(text)
		if err != nil {
			return sessionstore.Record{}, &sessionstore.RefusedError{Reason: "session file does not verify", Err: err}
		}
		rec.Data, rec.Resign = data, fallback
	}
	rec.Expires = s.settings.Ends(rec.Data, modified)
	if !rec.Expires.After(s.now()) {
		return sessionstore.Record{}, sessionstore.ErrNotFound
	}
	return rec, nil
}

// Create implements [sessionstore.Store]: link(2) fails where the name is taken, and gives a whole record or none.
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	return s.write(ctx, key, rec, func(tmp, final string) error {
		err := s.root().Link(tmp, final)
		if errors.Is(err, fs.ErrExist) {
			return sessionstore.ErrExists
		}
		return err
	})
}

// Update implements [sessionstore.Store]: an exchange of names (renameat2, RENAME_EXCHANGE) fails where the record is gone, so that
// a logout at either side is never undone. Django's own rename would bring it back.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	return s.write(ctx, key, rec, func(tmp, final string) error {
		err := exchange(s.folder.Load().dir, tmp, final)
		if errors.Is(err, fs.ErrNotExist) {
			return sessionstore.ErrGone
		}
		return err
	})
}

// write puts the record into a temporary file, safe on the disk, and lets publish give it its name.
func (s *Store) write(ctx context.Context, key string, rec sessionstore.Record, publish func(tmp, final string) error) (string, error) {
	if !sessionstore.ValidKey(key) {
		return "", sessionstore.ErrGone
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("write session file: %w", err)
	}
	text, err := s.codec.Encode(rec.Data)
	if err != nil {
		return "", fmt.Errorf("encode session: %w", err)
	}
	tmp, err := s.writeTemp(text)
	if err != nil {
		return "", fmt.Errorf("write session file: %w", cmp.Or(s.removed(), err))
	}
	err = publish(tmp, s.prefix+key)
	// What is under the temporary name now is a second link, the old record, or what could not be published.
	err = errors.Join(err, s.root().Remove(tmp), s.syncDir())
	if err != nil {
		return "", fmt.Errorf("publish session file: %w", err)
	}
	return key, nil
}

// Delete implements [sessionstore.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if !sessionstore.ValidKey(key) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.root().Remove(s.prefix + key)
	if errors.Is(err, fs.ErrNotExist) {
		return s.removed()
	}
	if err = errors.Join(err, s.syncDir()); err != nil {
		return fmt.Errorf("delete session file: %w", err)
	}
	return nil
}

func (s *Store) syncDir() error {
	if !s.sync {
		return nil
	}
	return s.folder.Load().dir.Sync()
}
