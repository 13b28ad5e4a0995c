package stage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/ledger"
)

// copyBatch is how many rows one statement makes; SQLite takes at most 500 parts of a compound SELECT.
const copyBatch = 400

// Copies makes n further sessions like the one of a cookie, behind the back of the processes, and returns their cookies.
func (s *Site) Copies(ctx context.Context, cookie string, n int) ([]string, error) {
	if s.Engine.Session == "db" {
		return s.copyRows(ctx, cookie, n)
	}
	store, closeStore, err := s.store()
	if err != nil {
		return nil, err
	}
	defer closeStore()
	rec, err := store.Load(ctx, cookie)
	if err != nil {
		return nil, fmt.Errorf("copy session: %w", err)
	}
	rec.Expires = time.Now().Add(14 * 24 * time.Hour)
	cookies := make([]string, n)
	for i := range cookies {
		if cookies[i], err = store.Create(ctx, sessionstore.NewKey(), rec); err != nil {
			return nil, fmt.Errorf("copy session: %w", err)
		}
	}
	return cookies, nil
}

// copyRows writes many rows with each statement: a million takes seconds.
func (s *Site) copyRows(ctx context.Context, cookie string, n int) ([]string, error) {
	cookies := make([]string, n)
	for i := range cookies {
		cookies[i] = sessionstore.NewKey()
	}
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("copy sessions: %w", err)
	}
	for from := 0; from < n; from += copyBatch {
		keys := cookies[from:min(from+copyBatch, n)]
		query := "INSERT INTO django_session (session_key, session_data, expire_date) SELECT k.v, s.session_data, s.expire_date FROM django_session s, (SELECT '" +
			keys[0] + "' AS v"
		if len(keys) > 1 {
			query += " UNION ALL SELECT '" + strings.Join(keys[1:], "' UNION ALL SELECT '") + "'"
		}
		if _, err := tx.ExecContext(ctx, query+") k WHERE s.session_key = "+s.DB.Placeholder(1), cookie); err != nil {
			_ = tx.Rollback()
			return nil, fmt.Errorf("copy sessions: %w", err)
		}
	}
	return cookies, tx.Commit()
}

// store is the engine's store as cmd/parts.go makes it.
func (s *Site) store() (sessionstore.Store, func(), error) {
	keys, settings := signing.Keys{Secret: secretKey}, sessionstore.Settings{CookieAge: 14 * 24 * time.Hour}
	signed := codec.NewSigned(keys, time.Now)
	switch s.Engine.Session {
	case "file":
		store, err := filestore.Open(signed, filestore.Options{Dir: s.Dir, CookieName: CookieName, Settings: settings, NoSync: true, Now: time.Now})
		if err != nil {
			return nil, nil, err
		}
		return store, func() { store.Close() }, nil
	case "signed_cookies":
		return cookiestore.New(keys, ledger.New(s.DB, time.Now), settings.CookieAge, time.Now), func() {}, nil
	}
	c, err := cache.Open(s.CacheURL, cache.Options{})
	if err != nil {
		return nil, nil, err
	}
	closeCache := func() { c.Close() }
	if s.Engine.Session == "cache" {
		return cachestore.New(c, cachestore.Options{}), closeCache, nil
	}
	return cacheddbstore.New(dbstore.New(s.DB, signed, dbstore.Options{}), c, cacheddbstore.Options{}), closeCache, nil
}

// Dialect names the database.
func (s *Site) Dialect() sqlconn.Dialect { return s.DB.Dialect }
