package sessionstore

import (
	"context"
	"errors"
	"time"

	"coatcheck/internal/pyvalue"
)

// The answers of a [Store] that are not faults. Every other error means that the store could not be asked, and must
// never be treated as "logged out".
var (
	// ErrNotFound: the record is absent, expired, or not to be trusted (then the error is a *[RefusedError]).
	ErrNotFound = errors.New("session not found")
	// ErrExists: the key that Create was given is taken; nothing was changed.
	ErrExists = errors.New("session key is taken")
	// ErrGone: the record that Update was to change is no longer there. It must not come back to life.
	ErrGone = errors.New("session is gone")
)

// RefusedError is the [ErrNotFound] of a record that is there but cannot be trusted: forged, truncated, made with another
// secret key. The record stays where it is, and the browser keeps its cookie: a wrong secret key in a configuration
// must not log everybody out.
type RefusedError struct {
	Reason string // for the security log; holds no secret and nothing of the record
	Err    error
}

func (e *RefusedError) Error() string {
	if e.Err == nil {
		return "session refused: " + e.Reason
	}
	return "session refused: " + e.Reason + ": " + e.Err.Error()
}

// Is makes a refused record an [ErrNotFound].
func (e *RefusedError) Is(target error) bool { return target == ErrNotFound }

func (e *RefusedError) Unwrap() error { return e.Err }

// Record is what a store keeps under a key.
type Record struct {
	Data *pyvalue.Dict
	// Expires is when the record ends. After Load it is the zero time where the store cannot tell (caches).
	Expires time.Time
	// Resign says, after Load, that the record is signed with a fallback secret key: the session counts as modified, so
	// that its next save signs it with the current one.
	Resign bool
}

// Store keeps session records under keys.
//
// An implementation is safe for concurrent use, honours ctx, starts no goroutines and logs nothing. It may rely on keys
// that satisfy [ValidKey] (signed cookies have a grammar of their own) and must not keep or change the Record's Data after it returned.
// Every write is one conditional write: there is no moment between a check and the write it guards.
type Store interface {
	// Load returns the live record under key. ErrNotFound: absent, expired or not to be trusted.
	Load(ctx context.Context, key string) (Record, error)
	// Create keeps rec under key, which must be free (else ErrExists), and returns the key to give to the client:
	// the same, except where the key is the data (signed cookies).
	Create(ctx context.Context, key string, rec Record) (string, error)
	// Update replaces the record under key, which must exist (else ErrGone), and returns the key as Create does.
	Update(ctx context.Context, key string, rec Record) (string, error)
	// Delete removes the record. An absent one is fine. When it returns nil, no later Load finds it.
	Delete(ctx context.Context, key string) error
	// ClearExpired removes expired records and says how many (Django's clearsessions).
	ClearExpired(ctx context.Context) (int64, error)
}

// Lister is a [Store] that can enumerate its keys. Signed cookies and memcached cannot.
type Lister interface {
	// Keys calls yield for each stored key, live or expired, until yield returns false.
	Keys(ctx context.Context, yield func(key string) bool) error
}
