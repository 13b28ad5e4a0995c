// Package nearusers keeps users' rows in this process's memory, in front of any directory. What is kept is believed as long as its feeds vouch for
// it, or for a short time.
package nearusers

import (
	"context"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/near"
	"coatcheck/internal/signing"
)

// MaxAge is how long a row is believed where nothing can be heard (SECURITY F30).
const MaxAge = 5 * time.Second

// Options of [Rows].
type Options struct {
	Entries int           // rows, at most
	Bytes   int64         // of memory, at most, about; 0: as the entries need
	Feeds   []near.Feed   // all must have heard
	MaxAge  time.Duration // how long a row is believed where nothing can be heard; 0: not at all there
	Keys    signing.Keys  // what session hashes are made with
}

// Rows is an [auth.Rows] in front of a directory.
type Rows struct {
	next  auth.Directory
	keys  signing.Keys
	cache *near.Cache[*auth.Row]
}

var _ auth.Rows = (*Rows)(nil)

// New returns the rows of next.
func New(next auth.Directory, o Options) *Rows {
	return &Rows{next: next, keys: o.Keys, cache: near.New[*auth.Row](near.Options{
		Entries: o.Entries, Bytes: o.Bytes, Feeds: o.Feeds, MaxAge: o.MaxAge, Now: time.Now,
	})}
}

// Row implements [auth.Rows].
func (r *Rows) Row(ctx context.Context, id string) (*auth.Row, error) {
	if row, ok := r.cache.Get(id); ok {
		return row, nil
	}
	return r.cold(ctx, id)
}

func (r *Rows) cold(ctx context.Context, id string) (*auth.Row, error) {
	return r.cache.Load(ctx, id, func(ctx context.Context) (near.Read[*auth.Row], error) {
		user, err := r.next.User(ctx, id)
		if err != nil {
			return near.Read[*auth.Row]{}, err
		}
		row := auth.NewRow(user, r.keys)
		if former, ok := r.cache.Former(id); ok && former.Same(row) {
			row = former
		}
		return near.Read[*auth.Row]{Value: row, Size: row.Size()}, nil
	})
}

// Forget implements [auth.Rows].
func (r *Rows) Forget(id string) { r.cache.Forget(id) }

// ForgetAll drops everything: a feed does not know what was changed.
func (r *Rows) ForgetAll() { r.cache.ForgetAll() }

// Stats returns the numbers of the cache.
func (r *Rows) Stats() near.Stats { return r.cache.Stats() }

// Told drops the row that a feed calls name: its id.
func (r *Rows) Told(name string) { r.cache.Forget(name) }
