package stage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"coatcheck/internal/pyvalue"
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

// sessionAge is the default of session.cookie_age.
const sessionAge = 14 * 24 * time.Hour

// Copies makes n further sessions like the one of a cookie, behind the back of the processes, and returns their cookies.
func (s *Site) Copies(ctx context.Context, cookie string, n int) ([]string, error) {
	if s.Engine.Session == "db" {
		return s.copyRows(ctx, cookie, n)
	}
	return s.create(ctx, cookie, n, func(int, *pyvalue.Dict) {})
}

// SessionsOf makes a session for each of the users, like the one of a cookie. They must have the same password, for the session hash is of it alone.
func (s *Site) SessionsOf(ctx context.Context, cookie string, users []string) ([]string, error) {
	return s.create(ctx, cookie, len(users), func(i int, data *pyvalue.Dict) { data.Set("_auth_user_id", pyvalue.Str(users[i])) })
}

// create makes sessions by the store itself.
func (s *Site) create(ctx context.Context, cookie string, n int, change func(i int, data *pyvalue.Dict)) ([]string, error) {
	store, closeStore, err := s.store()
	if err != nil {
		return nil, err
	}
	defer closeStore()
	rec, err := store.Load(ctx, cookie)
	if err != nil {
		return nil, fmt.Errorf("copy session: %w", err)
	}
	rec.Expires = time.Now().Add(sessionAge)
	cookies := make([]string, n)
	for i := range cookies {
		change(i, rec.Data)
		if cookies[i], err = store.Create(ctx, sessionstore.NewKey(), rec); err != nil {
			return nil, fmt.Errorf("copy session: %w", err)
		}
	}
	return cookies, nil
}

// CloneUsers makes n users with the columns of [User], and so with the same password, and returns their ids.
func (s *Site) CloneUsers(ctx context.Context, n int) ([]string, error) {
	for i := range n {
		if _, err := s.DB.ExecContext(ctx, "INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined) "+
			"SELECT "+s.DB.Placeholder(1)+", password, is_superuser, first_name, last_name, email, is_staff, is_active, date_joined FROM auth_user WHERE username = "+s.DB.Placeholder(2),
			fmt.Sprint("clone", i), User); err != nil {
			return nil, fmt.Errorf("clone user: %w", err)
		}
	}
	rows, err := s.DB.QueryContext(ctx, "SELECT id FROM auth_user WHERE username LIKE 'clone%'")
	if err != nil {
		return nil, fmt.Errorf("list clones: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("list clones: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
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
	keys, settings := signing.Keys{Secret: secretKey}, sessionstore.Settings{CookieAge: sessionAge}
	signed := codec.NewSigned(keys, time.Now)
	switch s.Engine.Session {
	case "db":
		return dbstore.New(s.DB, signed, dbstore.Options{}), func() {}, nil
	case "file":
		store, err := filestore.Open(signed, filestore.Options{Dir: s.Dir, CookieName: CookieName, Settings: settings, NoSync: true, Now: time.Now})
		if err != nil {
			return nil, nil, err
		}
		return store, func() { store.Close() }, nil
	case "signed_cookies":
		return cookiestore.New(keys, ledger.New(s.DB, keys, time.Now), settings.CookieAge, time.Now), func() {}, nil
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
