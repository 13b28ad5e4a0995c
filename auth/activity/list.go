package activity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"coatcheck/auth"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/ledger"
)

// OfUser returns the user's live sessions, the newest activity first. Each was looked up in its store: one that a Django has ended is
// not among them. Sessions that a Django made are known from when they were first seen here.
func (r *Register) OfUser(ctx context.Context, userID string) ([]ledger.Entry, error) {
	if err := r.write(ctx, func(e *entry) bool { return e.user == userID }); err != nil {
		return nil, fmt.Errorf("list sessions of user: %w", err)
	}
	held, err := r.o.Records.OfUser(ctx, userID)
	if err == nil {
		held, err = r.live(ctx, held)
	}
	if err != nil {
		return nil, fmt.Errorf("list sessions of user: %w", err)
	}
	return held, nil
}

// Current is the hash by which OfUser knows the session of this key.
func (r *Register) Current(key string) string { return r.o.Digest(key) }

// live leaves out, and takes out of the ledger, what has ended elsewhere.
func (r *Register) live(ctx context.Context, held []ledger.Entry) (live []ledger.Entry, err error) {
	for _, e := range held {
		switch _, err := r.open(ctx, e); {
		case errors.Is(err, ledger.ErrUnknown):
			if err := r.o.Records.End(ctx, e.Hash, r.until()); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case !r.over(e):
			live = append(live, e)
		}
	}
	return live, nil
}

// over: the next request would end it.
func (r *Register) over(e ledger.Entry) bool {
	now := r.o.Now()
	return r.o.Limits.Idle > 0 && now.Sub(e.LastSeen) >= r.o.Limits.Idle || r.o.Limits.Lifetime > 0 && now.Sub(e.AuthTime) >= r.o.Limits.Lifetime
}

// open opens the session of a row; [ledger.ErrUnknown] where there is none any more, or it is somebody else's.
func (r *Register) open(ctx context.Context, e ledger.Entry) (*sessionstore.Session, error) {
	key, err := r.o.Records.Key(ctx, e.UserID, e.Hash)
	if err != nil {
		return nil, err
	}
	session, err := r.o.Sessions.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	if id, _ := auth.UserID(session); session.Key() == "" || id != e.UserID {
		return nil, ledger.ErrUnknown
	}
	return session, nil
}

// End ends one session of the user, wherever it is used: its record is deleted, its live connections end. [ledger.ErrUnknown]: the user has no
// such session. Any other error is a fault, and the session may live on.
func (r *Register) End(ctx context.Context, userID, hash string) error {
	session, err := r.open(ctx, ledger.Entry{Hash: hash, UserID: userID})
	if errors.Is(err, ledger.ErrUnknown) {
		return err
	}
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return r.flush(ctx, session, userID, "revoked")
}

// EndOthers ends all sessions of the user but that of keepKey ("": all) and says how many. Others may have ended where it fails.
func (r *Register) EndOthers(ctx context.Context, userID, keepKey string) (int, error) {
	held, err := r.OfUser(ctx, userID)
	if err != nil {
		return 0, err
	}
	keep, n := "", 0
	if keepKey != "" {
		keep = r.o.Digest(keepKey)
	}
	var errs []error
	for _, e := range held {
		if e.Hash == keep {
			continue
		}
		switch err := r.End(ctx, userID, e.Hash); {
		case err == nil:
			n++
		case !errors.Is(err, ledger.ErrUnknown): // ended meanwhile
			errs = append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}

// EndDue ends the sessions that are over by the limits, used or not, and says how many: a Django that shares them knows no limits.
func (r *Register) EndDue(ctx context.Context) (int64, error) {
	if r.o.Limits.Idle == 0 && r.o.Limits.Lifetime == 0 {
		return 0, nil
	}
	var idle, begun time.Time
	now := r.o.Now()
	if r.o.Limits.Idle > 0 { // others may have seen it and not written that yet
		idle = now.Add(-r.o.Limits.Idle - 2*r.every())
	}
	if r.o.Limits.Lifetime > 0 {
		begun = now.Add(-r.o.Limits.Lifetime)
	}
	if err := r.write(ctx, everyone); err != nil {
		return 0, err
	}
	var n int64
	var fault error
	err := r.o.Records.Due(ctx, idle, begun, func(e ledger.Entry) bool {
		err := r.End(ctx, e.UserID, e.Hash)
		switch {
		case errors.Is(err, ledger.ErrUnknown):
			err = r.o.Records.End(ctx, e.Hash, r.until())
		case err == nil:
			n++
		}
		fault = err
		return err == nil
	})
	return n, errors.Join(err, fault)
}
