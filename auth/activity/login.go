package activity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"coatcheck/auth"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/ledger"
)

// Began notes a login: p has just logged in, and former is the session key before, or "". With too many sessions of the user, the oldest
// end. An error is a fault, and the session is gone then: no login is acknowledged that the limits could not be held against.
func (r *Register) Began(ctx context.Context, p auth.Principal, former string) (auth.Principal, error) {
	if former != "" && former != p.Session.Key() {
		r.ended(ctx, former)
	}
	e := r.firstSeen(p.Session, p.ID)
	e.auth.Store(e.created.Load())
	e.came(r.o.Visitor(ctx))
	err := r.o.Records.Note(ctx, e.sighting(r.keepRow()))
	if err == nil {
		e.noted.Store(e.seen.Load())
		err = r.holdNumber(ctx, p)
	}
	switch {
	case err == nil:
	case r.o.Limits.any():
		return auth.Principal{}, errors.Join(fmt.Errorf("note login: %w", err), p.Session.Flush(ctx))
	default:
		r.o.Log.LogAttrs(ctx, slog.LevelWarn, "a login is not in the list of sessions yet", slog.Any("err", err))
	}
	r.keep(placeOf(e.key), e)
	return r.dated(p, e), nil
}

// holdNumber ends the oldest of too many sessions. Logins at the same moment each see their own, and end the same others.
func (r *Register) holdNumber(ctx context.Context, p auth.Principal) error {
	if r.o.Limits.PerUser == 0 {
		return nil
	}
	held, err := r.o.Records.OfUser(ctx, p.ID)
	if err != nil || len(held) <= r.o.Limits.PerUser {
		return err
	}
	if held, err = r.live(ctx, held); err != nil {
		return err
	}
	own := r.o.Digest(p.Session.Key())
	slices.SortStableFunc(held, func(a, b ledger.Entry) int { return newestFirst(a, b, own) })
	for _, e := range held[min(len(held), r.o.Limits.PerUser):] {
		if err := r.End(ctx, p.ID, e.Hash); err != nil && !errors.Is(err, ledger.ErrUnknown) {
			return err
		}
	}
	return nil
}

func newestFirst(a, b ledger.Entry, own string) int {
	switch {
	case a.Hash == own:
		return -1
	case b.Hash == own:
		return 1
	}
	return b.AuthTime.Compare(a.AuthTime)
}

// Left notes a logout: the session of this key has ended.
func (r *Register) Left(ctx context.Context, key string) {
	if key != "" {
		r.ended(ctx, key)
	}
}

// Moved notes that a session goes on under a new key, such as after a change of the password: it is no younger for it.
func (r *Register) Moved(ctx context.Context, former string, session *sessionstore.Session, user string) error {
	e, err := r.byKey(ctx, former)
	if err != nil {
		return fmt.Errorf("look up activity of session: %w", err)
	}
	next := r.firstSeen(session, user)
	if e != nil {
		next.created.Store(e.created.Load())
		next.auth.Store(e.auth.Load())
	}
	next.came(r.o.Visitor(ctx))
	r.keep(placeOf(next.key), next)
	if err := r.o.Records.Note(ctx, next.sighting(r.keepRow())); err != nil {
		return fmt.Errorf("note session under its new key: %w", err)
	}
	r.ended(ctx, former)
	return nil
}

// byKey is what is known of the session of a key; nil: nothing.
func (r *Register) byKey(ctx context.Context, key string) (*entry, error) {
	if e := r.recall(placeOf(key)); e != nil {
		return e, nil
	}
	known, err := r.o.Records.Find(ctx, r.o.Digest(key))
	if errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrEnded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &entry{}
	e.created.Store(known.Created.UnixMilli())
	e.auth.Store(known.AuthTime.UnixMilli())
	return e, nil
}
