// Package activity knows which sessions are in use: since when, and when each was seen last. It ends those that are over by the limits that
// Django does not have (ASVS 7.3.1, 7.3.2, 7.1.2), and lists and ends the sessions of a user.
//
// What it knows is in memory, bounded; the ledger hears of it in batches, beside the requests. Where limits are set, a session that this
// process has not seen yet is looked up in the ledger, and one that has been idle here is looked up once more: another process may have
// seen it. A ledger that cannot be asked is a fault then.
package activity

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"coatcheck/sessionstore"
	"coatcheck/sessionstore/ledger"
)

// Records keep what is known of sessions beyond this process; *[ledger.Ledger] does.
type Records interface {
	// Find returns [ledger.ErrUnknown] or [ledger.ErrEnded]; any other error is a fault.
	Find(ctx context.Context, hash string) (ledger.Entry, error)
	OfUser(ctx context.Context, userID string) ([]ledger.Entry, error)
	Key(ctx context.Context, userID, hash string) (string, error)
	Note(ctx context.Context, seen ...ledger.Sighting) error
	End(ctx context.Context, hash string, until time.Time) error
	Due(ctx context.Context, idle, auth time.Time, yield func(ledger.Entry) bool) error
}

// Limits are what ends a session besides its record. Zero values are none.
type Limits struct {
	Idle     time.Duration // without activity
	Lifetime time.Duration // since the login, whatever the activity
	PerUser  int           // sessions; the oldest goes first
	// AuthTime: the time of the login has to be known, although nothing here ends by it.
	AuthTime bool
}

// watched reports whether each request has to know how its session stands.
func (l Limits) watched() bool { return l.Idle > 0 || l.Lifetime > 0 || l.AuthTime }

// any reports whether there is something that a ledger that is down would leave open.
func (l Limits) any() bool { return l.watched() || l.PerUser > 0 }

// Visitor is where a request comes from.
type Visitor struct {
	Address netip.Addr
	Agent   string // User-Agent
}

// Options are the parts of a [Register]. Records, Sessions, Visitor and Log are required.
type Options struct {
	Records  Records
	Sessions *sessionstore.Sessions
	Limits   Limits
	// Digest names a session in the ledger, whatever its key becomes; nil: [sessionstore.KeyDigest].
	Digest func(key string) string
	// Remember is how long the mark of an ended session stays, against what other processes have yet to write of it; 0: an hour.
	Remember time.Duration
	// Visitor tells where the request in ctx comes from.
	Visitor func(ctx context.Context) Visitor
	// Ended is told of each session that was ended here, so that its live connections end too; nil: nobody is.
	Ended func(key string)
	// Entries bounds the sessions in memory; 0: 100000.
	Entries int
	Log     *slog.Logger
	// Attrs adds what a security event should say of the request in ctx.
	Attrs func(ctx context.Context) []slog.Attr
	Now   func() time.Time // nil: time.Now
}

// Register knows the sessions in use. Safe for concurrent use. It writes nothing by itself: see [Register.Run].
type Register struct {
	o      Options
	shards [shards]shard
	wrote  sync.Mutex // one batch at a time
}

// New returns a Register that knows nothing yet.
func New(o Options) *Register {
	if o.Digest == nil {
		o.Digest = sessionstore.KeyDigest
	}
	if o.Remember == 0 {
		o.Remember = time.Hour
	}
	if o.Entries == 0 {
		o.Entries = 100_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Register{o: o}
	for i := range r.shards {
		r.shards[i] = shard{known: map[place]*entry{}, limit: max(1, o.Entries/shards)}
	}
	return r
}
