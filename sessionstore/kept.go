package sessionstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"coatcheck/internal/pyvalue"
)

// ErrUnkept: the record is there, but cannot be kept; Load has it.
var ErrUnkept = errors.New("session record cannot be kept")

// Keeper is a [Store] that keeps records in this process's memory. [Sessions] asks it for them as they are kept: most requests
// never look into the data, and need not pay for a copy.
type Keeper interface {
	// Keep returns the live record under key as it is kept. Its errors are those of Load, and ErrUnkept.
	Keep(ctx context.Context, key string) (*Kept, error)
	// Forget makes the next Keep ask the store that decides.
	Forget(key string)
	// Believed reports whether records are kept at all now: changes made elsewhere are heard.
	Believed() bool
}

// Kept is a record as it is kept in memory for many requests at once. It is frozen: whoever asks for the data gets a copy of its own, so that
// no request can change another's. Safe for concurrent use.
type Kept struct {
	ends    int64 // Unix microseconds; 0: the store cannot tell
	packed  string
	resign  bool
	derived atomic.Value
}

// Freeze returns rec as it can be kept. It fails for what would not come back exactly as it is.
func Freeze(rec Record) (*Kept, error) {
	packed, err := pack(rec.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnkept, err)
	}
	if again, err := unpack(packed); err != nil || !again.Equal(rec.Data) {
		return nil, ErrUnkept
	}
	k := &Kept{packed: packed, resign: rec.Resign}
	if !rec.Expires.IsZero() {
		k.ends = rec.Expires.UnixMicro()
	}
	return k, nil
}

// Record returns the record with data of its own.
func (k *Kept) Record() Record {
	return Record{Data: k.data(), Expires: k.expires(), Resign: k.resign}
}

func (k *Kept) data() *pyvalue.Dict {
	data, err := unpack(k.packed)
	if err != nil { // Freeze has done it once
		panic(fmt.Sprintf("thaw session record: %v", err))
	}
	return data
}

func (k *Kept) expires() time.Time {
	if k.ends == 0 {
		return time.Time{}
	}
	return time.UnixMicro(k.ends).UTC()
}

// Derived returns what was worked out from the record; nil: nothing yet.
func (k *Kept) Derived() any { return k.derived.Load() }

// Derive keeps value with the record, for as long as that is kept. It is always of one type.
func (k *Kept) Derive(value any) { k.derived.Store(value) }

// Same reports whether the other one says the same.
func (k *Kept) Same(o *Kept) bool {
	return k.ends == o.ends && k.resign == o.resign && k.packed == o.packed
}

// Size is how many bytes of memory the record takes.
func (k *Kept) Size() int { return 48 + len(k.packed) }
