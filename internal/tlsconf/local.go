package tlsconf

import (
	"context"

	"github.com/caddyserver/certmagic"
)

// local is certmagic's storage in files, for clean keys alone.
type local struct{ certmagic.FileStorage }

var _ certmagic.Storage = (*local)(nil)

// Store implements [certmagic.Storage].
func (l *local) Store(ctx context.Context, key string, value []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return l.FileStorage.Store(ctx, key, value)
}

// Load implements [certmagic.Storage].
func (l *local) Load(ctx context.Context, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return l.FileStorage.Load(ctx, key)
}

// Delete implements [certmagic.Storage].
func (l *local) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	return l.FileStorage.Delete(ctx, key)
}

// Exists implements [certmagic.Storage].
func (l *local) Exists(ctx context.Context, key string) bool {
	return checkKey(key) == nil && l.FileStorage.Exists(ctx, key)
}

// List implements [certmagic.Storage].
func (l *local) List(ctx context.Context, dir string, recursive bool) ([]string, error) {
	if dir != "" {
		if err := checkKey(dir); err != nil {
			return nil, err
		}
	}
	return l.FileStorage.List(ctx, dir, recursive)
}

// Stat implements [certmagic.Storage].
func (l *local) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	if err := checkKey(key); err != nil {
		return certmagic.KeyInfo{}, err
	}
	return l.FileStorage.Stat(ctx, key)
}
