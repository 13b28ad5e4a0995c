package tlsconf

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// Times of locks. A holder that died is replaced after the lease.
const (
	leaseTime  = 30 * time.Second
	renewEvery = leaseTime / 3
	lockRetry  = time.Second
	askTime    = 5 * time.Second // of one question to the shelf that nobody bounds
)

// locks are those that this process holds on a shelf. Each has a token of its own, so that two holders within a process exclude each other, too.
type locks struct {
	shelf Shelf
	log   *slog.Logger
	lease time.Duration

	mu     sync.Mutex
	held   map[string]*hold
	keeper sync.WaitGroup
}

// hold is a lock that is held, and renewed until stop.
type hold struct {
	token string
	stop  context.CancelFunc
}

func newLocks(shelf Shelf, log *slog.Logger) *locks {
	return &locks{shelf: shelf, log: log, lease: leaseTime, held: map[string]*hold{}}
}

// Lock implements [certmagic.Locker].
func (l *locks) Lock(ctx context.Context, name string) error {
	for {
		taken, err := l.TryLock(ctx, name)
		if taken || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for lock %s: %w", name, ctx.Err())
		case <-time.After(min(lockRetry, l.lease/3)):
		}
	}
}

// TryLock implements [certmagic.TryLocker].
func (l *locks) TryLock(ctx context.Context, name string) (bool, error) {
	token := rand.Text()
	taken, err := l.shelf.Take(ctx, name, token, l.lease)
	if err != nil {
		return false, fmt.Errorf("take lock %s: %w", name, err)
	}
	if !taken {
		return false, nil
	}
	living, stop := context.WithCancel(context.Background())
	l.mu.Lock()
	if before := l.held[name]; before != nil { // whose lease was over
		before.stop()
	}
	l.held[name] = &hold{token, stop}
	l.mu.Unlock()
	l.keeper.Go(func() { l.keep(living, name, token) })
	return true, nil
}

// keep renews the lease until ctx ends or another has it. A shelf that does not answer is asked again; when it answers it tells who holds the lock.
func (l *locks) keep(ctx context.Context, name, token string) {
	ticks := time.NewTicker(l.lease / 3)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		asking, cancel := context.WithTimeout(ctx, askTime)
		held, err := l.shelf.Renew(asking, name, token, l.lease)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.log.Warn("certificates: the lease of a lock was not renewed", "lock", name, "err", err)
		case !held:
			l.log.Error("certificates: a lock was lost; what was made under it is not stored", "lock", name)
			return
		}
	}
}

// Unlock implements [certmagic.Locker]. It does so, too, when ctx has ended: that is how work is stopped.
func (l *locks) Unlock(ctx context.Context, name string) error {
	l.mu.Lock()
	h := l.held[name]
	delete(l.held, name)
	l.mu.Unlock()
	if h == nil {
		return fmt.Errorf("release lock %s: it is not held", name)
	}
	h.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime)
	defer cancel()
	if err := l.shelf.Release(ctx, name, h.token); err != nil {
		return fmt.Errorf("release lock %s: %w", name, err)
	}
	return nil
}

// guard returns the lock that is held on the certificate that a key belongs to, and its token. Certmagic names locks
// operation_name (config.go lockKey), and keys …/name/file.
func (l *locks) guard(key string) (lock, token string) {
	site := path.Base(path.Dir(key))
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, h := range l.held {
		if strings.HasSuffix(certmagic.StorageKeys.Safe(name), "_"+site) {
			return name, h.token
		}
	}
	return "", ""
}

// free gives up what is still held.
func (l *locks) free() {
	l.mu.Lock()
	names := make([]string, 0, len(l.held))
	for name := range l.held {
		names = append(names, name)
	}
	l.mu.Unlock()
	for _, name := range names {
		if err := l.Unlock(context.Background(), name); err != nil {
			l.log.Warn("certificates: a lock stays until its lease is over", "err", err)
		}
	}
	l.keeper.Wait()
}
