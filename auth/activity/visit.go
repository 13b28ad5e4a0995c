package activity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/ledger"
)

// authTimeName is where other programs of a site keep the time of a login in the session data, in Unix seconds (OpenID Connect's auth_time).
const authTimeName = "_auth_time"

// Check holds the session that p came from against the limits. One that is over is ended: then nobody is logged in, and the session is
// empty. An error is a fault. Checking is no activity.
func (r *Register) Check(ctx context.Context, session *sessionstore.Session, p auth.Principal) (auth.Principal, error) {
	if !r.o.Limits.watched() || p.Anonymous() || session.Key() == "" {
		return p, nil
	}
	e, err := r.entry(ctx, session, p.ID)
	if err == nil && r.idle(e) {
		err = r.askAgain(ctx, e)
	}
	why := ""
	switch {
	case errors.Is(err, ledger.ErrEnded):
		why = "ended"
	case err != nil:
		return auth.Principal{}, fmt.Errorf("look up activity of session: %w", err)
	case r.old(e):
		why = "lifetime"
	case r.idle(e):
		why = "idle"
	default:
		return r.dated(p, e), nil
	}
	if err := r.flush(ctx, session, p.ID, why); err != nil {
		return auth.Principal{}, err
	}
	return auth.Principal{}, nil
}

// Touch notes activity of the session that p came from, and returns p with what that changes. It never waits, and fails never.
func (r *Register) Touch(ctx context.Context, p auth.Principal) auth.Principal {
	if p.Anonymous() || p.Session == nil || p.Session.Key() == "" {
		return p
	}
	key := p.Session.Key()
	at := placeOf(key)
	e := r.recall(at)
	if e == nil {
		e = r.firstSeen(p.Session, p.ID)
		if !p.AuthTime.IsZero() { // checked under the key it had before it was saved
			lower(&e.auth, p.AuthTime.UnixMilli())
		}
		e = r.keep(at, e)
	}
	e.touch(r.o.Now().UnixMilli())
	e.ends.Store(endOf(p.Session).UnixMilli())
	e.came(r.o.Visitor(ctx))
	return r.dated(p, e)
}

// came notes where the latest request came from, if from anywhere: live connections are looked at without one.
func (e *entry) came(v Visitor) {
	if v == (Visitor{}) {
		return
	}
	v.Agent = v.Agent[:min(len(v.Agent), ledger.MaxAgent)]
	if had := e.visitor.Load(); had != nil && *had == v {
		return
	}
	e.visitor.Store(&Visitor{v.Address, strings.Clone(v.Agent)})
}

// dated tells p when its session ends by the limits.
func (r *Register) dated(p auth.Principal, e *entry) auth.Principal {
	if !r.o.Limits.watched() {
		return p
	}
	p.AuthTime = instant(e.auth.Load())
	if r.o.Limits.Lifetime > 0 {
		p.Ends.Absolute = p.AuthTime.Add(r.o.Limits.Lifetime)
	}
	if r.o.Limits.Idle > 0 {
		p.Ends.Idle = instant(e.seen.Load()).Add(r.o.Limits.Idle)
	}
	return p
}

func (r *Register) idle(e *entry) bool {
	return r.o.Limits.Idle > 0 && r.o.Now().Sub(instant(e.seen.Load())) >= r.o.Limits.Idle
}

func (r *Register) old(e *entry) bool {
	return r.o.Limits.Lifetime > 0 && r.o.Now().Sub(instant(e.auth.Load())) >= r.o.Limits.Lifetime
}

// entry is the session in memory, or as the ledger knows it.
func (r *Register) entry(ctx context.Context, session *sessionstore.Session, user string) (*entry, error) {
	at := placeOf(session.Key())
	if e := r.recall(at); e != nil {
		return e, nil
	}
	e := r.firstSeen(session, user)
	known, err := r.o.Records.Find(ctx, e.digest)
	switch {
	case err == nil:
		e.seen.Store(0) // looking it up is no activity
		e.learn(known)
	case !errors.Is(err, ledger.ErrUnknown):
		return nil, err
	}
	e.came(r.o.Visitor(ctx))
	return r.keep(at, e), nil
}

// askAgain looks whether another process has seen the session since.
func (r *Register) askAgain(ctx context.Context, e *entry) error {
	known, err := r.o.Records.Find(ctx, e.digest)
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err == nil {
		e.learn(known)
	}
	return err
}

// firstSeen is the entry of a session that begins now as far as anybody knows.
func (r *Register) firstSeen(session *sessionstore.Session, user string) *entry {
	now := r.o.Now()
	e := &entry{key: session.Key(), digest: r.o.Digest(session.Key()), user: user}
	e.created.Store(now.UnixMilli())
	e.seen.Store(now.UnixMilli())
	e.auth.Store(authTime(session, now).UnixMilli())
	e.ends.Store(endOf(session).UnixMilli())
	return e
}

// authTime is when the session data says that the user logged in, if that is not in the future; otherwise now.
func authTime(session *sessionstore.Session, now time.Time) time.Time {
	value, _ := session.Get(authTimeName)
	var said time.Time
	switch v := value.(type) {
	case pyvalue.Int:
		if seconds, ok := v.Int64(); ok && seconds > 0 && seconds <= now.Unix() {
			said = time.Unix(seconds, 0)
		}
	case pyvalue.Float:
		if v > 0 && float64(v) <= float64(now.Unix()) {
			said = time.Unix(int64(v), 0)
		}
	}
	if said.IsZero() {
		return now
	}
	return said
}

// endOf is when the session's record ends, as far as the store can tell.
func endOf(session *sessionstore.Session) time.Time {
	if ends := session.Ends(); !ends.IsZero() {
		return ends
	}
	return session.Expires()
}

// flush ends a session that is over.
func (r *Register) flush(ctx context.Context, session *sessionstore.Session, user, why string) error {
	key := session.Key()
	if err := session.Flush(ctx); err != nil {
		return fmt.Errorf("end session that is over: %w", err)
	}
	attrs := []slog.Attr{slog.String("event", "session_ended"), slog.String("reason", why), slog.String("user_id", user),
		slog.String("session", sessionstore.KeyHash(key))}
	if r.o.Attrs != nil {
		attrs = append(attrs, r.o.Attrs(ctx)...)
	}
	r.o.Log.LogAttrs(ctx, slog.LevelInfo, "security event", attrs...)
	r.ended(ctx, key)
	return nil
}

// ended marks a session whose record is gone.
func (r *Register) ended(ctx context.Context, key string) {
	r.forget(placeOf(key))
	if err := r.o.Records.End(ctx, r.o.Digest(key), r.until()); err != nil {
		r.o.Log.LogAttrs(ctx, slog.LevelWarn, "an ended session stays in the list of sessions for now", slog.Any("err", err))
	}
	if r.o.Ended != nil {
		r.o.Ended(key)
	}
}

func (r *Register) until() time.Time { return r.o.Now().Add(r.o.Remember) }
