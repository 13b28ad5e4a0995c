package tlsconf

import (
	"context"
	"time"
)

// Shelf is where the processes of a fleet keep what they share. Values are sealed before they get there. Every error but
// [fs.ErrNotExist] of Get is a fault.
type Shelf interface {
	// Get returns the value of name; [fs.ErrNotExist] if there is none.
	Get(ctx context.Context, name string) (value string, err error)
	// Put writes the value of name. Where a lock is named, it does so only while token holds it, and reports whether it did.
	Put(ctx context.Context, name, value, lock, token string) (done bool, err error)
	// Remove removes name; nothing being there is fine.
	Remove(ctx context.Context, name string) error
	// Names returns the names that begin with prefix.
	Names(ctx context.Context, prefix string) ([]string, error)
	// Take makes token the holder of a lock that nobody holds, or whose holder's lease is over, and reports whether it did.
	Take(ctx context.Context, lock, token string, lease time.Duration) (taken bool, err error)
	// Renew makes the lease of a lock begin anew if token still holds it, and reports whether it does.
	Renew(ctx context.Context, lock, token string, lease time.Duration) (held bool, err error)
	// Release gives the lock up if token holds it.
	Release(ctx context.Context, lock, token string) error
}
