package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/nearusers"
	"coatcheck/internal/feed"
	"coatcheck/internal/metrics"
	"coatcheck/internal/near"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/nearcache"
)

// nearParts are what keeps sessions and users in this process's memory, and hears of their changes.
type nearParts struct {
	sqlite   map[*sqlconn.DB]*feed.SQLite
	postgres map[*sqlconn.DB]*feed.Postgres
	store    *nearcache.Store // nil: sessions are read through
	rows     *nearusers.Rows  // nil: so are users
	states   []func() feed.State
}

func newNearParts() nearParts {
	return nearParts{sqlite: map[*sqlconn.DB]*feed.SQLite{}, postgres: map[*sqlconn.DB]*feed.Postgres{}}
}

// line is a feed with somebody to tell.
type line interface {
	near.Feed
	Follow(f feed.Follower)
	State(of string) feed.State
}

func (p *parts) nearOn() bool { return p.metrics != nil && p.cfg.Session.NearCache != "off" }

// openNear puts memory in front of the store, where changes made elsewhere can be heard, or a bound is configured.
func (p *parts) openNear(store sessionstore.Store) (sessionstore.Store, error) {
	lines, err := p.sessionLines()
	bound := p.cfg.Session.NearBound()
	o := nearcache.Options{Entries: p.cfg.Session.NearCacheEntries, Bytes: int64(p.cfg.Session.NearCacheBytes), MaxAge: bound}
	p.shapeNear(&o)
	switch {
	case err != nil:
		return nil, err
	case o.Stamp == nil && len(lines) == 0 && bound == 0:
		return store, nil
	}
	for _, l := range lines {
		o.Feeds = append(o.Feeds, l)
	}
	p.near.store = nearcache.New(store, o)
	p.near.follow("sessions", p.near.store, lines)
	return p.near.store.Front(), nil
}

// shapeNear says what is special about the engine. The database's triggers do not tell keys, but names.
func (p *parts) shapeNear(o *nearcache.Options) {
	switch p.cfg.Session.Engine {
	case "db":
		o.Name = p.sessionName()
	case "cached_db":
		o.Name, o.Ends = p.sessionName(), p.ends(cacheddbstore.KeyPrefix)
	case "cache":
		o.Ends = p.ends(cachestore.KeyPrefix)
	}
	switch s := p.store.(type) {
	case *filestore.Store:
		o.Stamp = stamps(s)
	case *cookiestore.Store:
		o.Name = s.Digest
	}
}

func (p *parts) sessionName() func(key string) string {
	if p.db.Dialect != sqlconn.Postgres {
		return nil
	}
	return feed.SessionName
}

func stamps(files *filestore.Store) func(key string) (nearcache.Stamp, error) {
	return func(key string) (nearcache.Stamp, error) {
		modified, size, inode, err := files.Stamp(key)
		return nearcache.Stamp{Modified: modified.UnixNano(), Size: size, Inode: inode}, err
	}
}

// sessionLines are the feeds of the engine's stores; none where one of them cannot be heard.
func (p *parts) sessionLines() ([]line, error) {
	switch p.cfg.Session.Engine {
	case "db":
		return p.databaseLine(p.db, feed.SessionTopic())
	case "cache":
		return p.cacheLine(cachestore.KeyPrefix), nil
	case "cached_db":
		return p.cachedDBLines()
	case "signed_cookies":
		return p.databaseLine(p.db, feed.LogoutTopic())
	}
	return nil, nil
}

// cachedDBLines are those of the rows and of the cache; both or none.
func (p *parts) cachedDBLines() ([]line, error) {
	if !p.cache.CanTrack() {
		return nil, nil
	}
	rows, err := p.databaseLine(p.db, feed.SessionTopic())
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return append(rows, p.cacheLine(cacheddbstore.KeyPrefix)...), nil
}

// cacheLine is the feed of a cache's keys; none where there is none.
func (p *parts) cacheLine(prefix string) []line {
	if !p.cache.CanTrack() {
		return nil
	}
	l := feed.NewRedis(p.cache, prefix, p.log)
	p.background = append(p.background, l.Run)
	return []line{l}
}

// ends asks a cache when an entry ends; nil where it cannot tell.
func (p *parts) ends(prefix string) func(ctx context.Context, key string) (time.Time, error) {
	if !p.cache.CanDate() {
		return nil
	}
	return func(ctx context.Context, key string) (time.Time, error) {
		at, err := p.cache.Ends(ctx, prefix+key)
		if errors.Is(err, cache.ErrAbsent) {
			err = sessionstore.ErrNotFound
		}
		return at, err
	}
}

// openNearUsers keeps users' rows, for a few seconds where their changes cannot be heard.
func (p *parts) openNearUsers() error {
	o := nearusers.Options{Entries: p.cfg.Session.NearCacheEntries, Bytes: int64(p.cfg.Session.NearCacheBytes), Keys: p.keys}
	var lines []line
	var err error
	if p.userDB.Dialect == sqlconn.SQLite || p.djangoUsers() && p.cfg.Users.GroupsQuery == "" {
		lines, err = p.databaseLine(p.userDB, feed.UserTopic())
	}
	if err != nil {
		return err
	}
	o.MaxAge = nearusers.MaxAge
	if bound := p.cfg.Session.NearBound(); bound > 0 {
		o.MaxAge = min(bound, o.MaxAge)
	}
	for _, l := range lines {
		o.Feeds = append(o.Feeds, l)
	}
	p.near.rows = nearusers.New(p.metrics.Directory(p.users), o)
	p.near.follow("users", p.near.rows, lines)
	return nil
}

// databaseLine is the feed of a topic in a database; none where there is none.
func (p *parts) databaseLine(db *sqlconn.DB, topic feed.Topic) ([]line, error) {
	switch db.Dialect {
	case sqlconn.SQLite:
		l, err := p.sqliteLine(db)
		return []line{l}, err
	case sqlconn.Postgres:
		if p.near.postgres[db] == nil {
			listener := feed.NewPostgres(db, p.log)
			p.near.postgres[db] = listener
			p.background = append(p.background, listener.Run)
		}
		return []line{p.near.postgres[db].Topic(topic)}, nil
	}
	return nil, nil
}

// sqliteLine is one for each database: whatever was committed, all who follow it are told.
func (p *parts) sqliteLine(db *sqlconn.DB) (*feed.SQLite, error) {
	if l := p.near.sqlite[db]; l != nil {
		return l, nil
	}
	changes, err := db.Changes()
	if err != nil {
		return nil, err
	}
	l := feed.NewSQLite(changes, feed.LookTime)
	p.near.sqlite[db] = l
	p.closers = append(p.closers, l.Close)
	return l, nil
}

func (n *nearParts) follow(of string, f feed.Follower, lines []line) {
	for _, l := range lines {
		l.Follow(f)
		n.states = append(n.states, func() feed.State { return l.State(of) })
	}
}

// stats are the numbers for operators.
func (n *nearParts) stats() metrics.Near {
	var m metrics.Near
	if n.store != nil {
		m.Caches = append(m.Caches, metrics.NearCache{Of: "sessions", Stats: n.store.Stats()})
	}
	if n.rows != nil {
		m.Caches = append(m.Caches, metrics.NearCache{Of: "users", Stats: n.rows.Stats()})
	}
	for _, state := range n.states {
		m.Feeds = append(m.Feeds, state())
	}
	return m
}

// makeTriggers lets PostgreSQL databases tell of their changes: of tables that were made by prepare, and of those that were there before where the
// configuration says so.
func (p *parts) makeTriggers(ctx context.Context, before func(table string) bool) error {
	if p.cfg.Database.Triggers == "off" {
		return nil
	}
	err := p.triggersIn(ctx, p.db, before)
	if p.userDB != p.db {
		err = errors.Join(err, p.triggersIn(ctx, p.userDB, func(string) bool { return true }))
	}
	if err == nil || p.cfg.Database.Triggers == "on" {
		return err
	}
	p.log.Warn("the database will not tell of changes: sessions and users are read with every request", "err", err)
	return nil
}

func (p *parts) triggersIn(ctx context.Context, db *sqlconn.DB, before func(table string) bool) error {
	if db.Dialect != sqlconn.Postgres {
		return nil
	}
	tables, err := db.Tables(ctx)
	if err != nil {
		return fmt.Errorf("look for tables that want triggers: %w", err)
	}
	wanted := slices.DeleteFunc(feed.Tables(), func(table string) bool {
		return !slices.Contains(tables, table) || before(table) && !ours(table) && p.cfg.Database.Triggers != "on"
	})
	return feed.MakeTriggers(ctx, db, wanted...)
}

// kept is what an [auth.Service] asks for rows; nil: none are kept.
func (n *nearParts) kept() auth.Rows {
	if n.rows == nil {
		return nil
	}
	return n.rows
}
