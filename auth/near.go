package auth

import (
	"context"
	"errors"
	"fmt"

	"coatcheck/sessionstore"
)

// standing is what holds as long as a kept session record and a kept row both stand: that the one is the other's.
type standing struct {
	id        string
	row       *Row
	principal Principal // without Session
	ofSession remembered
}

// near says from memory alone whom the session speaks for, if it can. Nobody is denied by it who says to be somebody: known is false then, and
// the stores have to be asked. A warm one costs a look at the kept row.
func (s *Service) near(ctx context.Context, session *sessionstore.Session) (p Principal, known bool, err error) {
	kept := session.Kept()
	if s.rows == nil || kept == nil {
		return Principal{}, false, nil
	}
	st, _ := kept.Derived().(*standing)
	if st == nil {
		return s.stand(ctx, session, kept)
	}
	row, err := s.rows.Row(ctx, st.id)
	switch {
	case err == nil && row == st.row:
		return st.of(session), true, nil
	case err == nil || errors.Is(err, ErrNoUser):
		return s.stand(ctx, session, kept)
	}
	return Principal{}, false, fmt.Errorf("look up the session's user: %w", err)
}

// stand holds the session against the row, as [Service.Principal] does, and keeps the outcome with the record.
func (s *Service) stand(ctx context.Context, session *sessionstore.Session, kept *sessionstore.Kept) (p Principal, known bool, err error) {
	id, ok := s.claimed(session)
	if !ok {
		return anonymous(session), true, nil
	}
	row, err := s.rows.Row(ctx, id)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Principal{}, false, fmt.Errorf("look up the session's user: %w", err)
	}
	hash, _ := session.GetString(keyHash)
	if err != nil || !row.active || !row.fits(hash) {
		s.rows.Forget(id)
		return Principal{}, false, nil
	}
	st := &standing{id: id, row: row, principal: row.principal}
	st.principal.ofSession = &st.ofSession
	kept.Derive(st)
	return st.of(session), true, nil
}

func (st *standing) of(session *sessionstore.Session) Principal {
	p := st.principal
	p.Session = session
	return p
}
