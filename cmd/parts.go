package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coatcheck/auth/password"
	"coatcheck/auth/throttle"
	"coatcheck/auth/userdb"
	"coatcheck/internal/audit"
	"coatcheck/internal/certtable"
	"coatcheck/internal/config"
	"coatcheck/internal/lease"
	"coatcheck/internal/metrics"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/proxy"
	"coatcheck/proxy/look"
	"coatcheck/proxy/sessionapi"
	"coatcheck/proxy/upstream"
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

// parts are the stores and directories that a configuration names. The commands and the running proxy share them.
type parts struct {
	cfg      config.Config
	look     *look.Look
	log      *slog.Logger
	metrics  *metrics.Metrics // nil: nothing is counted
	room     *room            // nil: nobody else has to run while passwords are hashed
	live     *proxy.Live      // of the process, whatever its configuration
	visits   *sessionapi.Visits
	tokens   *sessionapi.Tokens // nil: there is no session API
	audit    *audit.Log         // of the process
	keys     signing.Keys
	db       *sqlconn.DB // of sessions and our own tables
	userDB   *sqlconn.DB // of the users; often the same
	hashes   *password.Registry
	users    *userdb.Directory
	throttle *throttle.Throttle
	store    sessionstore.Store
	cache    *cache.Cache // nil: the engine needs none
	ledger   *ledger.Ledger
	leases   *lease.Leases
	sessions *sessionstore.Sessions
	near     nearParts
	settings sessionstore.Settings

	tables []tableMaker // what prepare makes besides the user tables
	lists  []*upstream.Balancer
	active func(within time.Duration) int
	// background runs as long as the proxy does.
	background []func(ctx context.Context)
	closers    []func() error
}

// tableMaker makes its table where it is missing.
type tableMaker interface {
	CreateTable(ctx context.Context) error
}

// withTable returns m, whose table prepare will make.
func withTable[M tableMaker](p *parts, m M) M {
	p.tables = append(p.tables, m)
	return m
}

// open reads the configuration and opens what it names; nothing is asked yet.
func (e *environment) open() (*parts, error) {
	cfg, err := e.load(nil)
	if err != nil {
		return nil, err
	}
	return openParts(cfg, newLogger(e.Stderr, slog.LevelWarn, "text"), nil, nil)
}

func openParts(cfg config.Config, log *slog.Logger, counted *metrics.Metrics, hashing *room) (*parts, error) {
	p := newParts(cfg, log, counted, hashing)
	for _, step := range []func() error{p.openLook, p.openKeys, p.openDatabase, p.openUsers, p.openSessions} {
		if err := step(); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	return p, nil
}

// newParts opens nothing yet.
func newParts(cfg config.Config, log *slog.Logger, counted *metrics.Metrics, hashing *room) *parts {
	p := &parts{cfg: cfg, log: log, metrics: counted, room: hashing, near: newNearParts(), settings: sessionstore.Settings{
		CookieAge:            cookieAge(cfg.Session),
		ExpireAtBrowserClose: cfg.Session.ExpireAtBrowserClose,
		SaveEveryRequest:     cfg.Session.SaveEveryRequest,
	}}
	if cfg.Database.TimeZone != "UTC" { // a Django with USE_TZ off
		p.settings.TimeZone = cfg.Database.Location()
	}
	return p
}

// cookieAge is no longer than a session may live: neither cookie nor record promises more.
func cookieAge(s config.Session) time.Duration {
	if s.MaxLifetime > 0 {
		return min(s.CookieAge, s.MaxLifetime)
	}
	return s.CookieAge
}

func (p *parts) close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func (p *parts) openLook() (err error) {
	p.look, err = openLook(p.cfg.Login)
	return err
}

func (p *parts) openKeys() error {
	if p.configuredKeys(); p.keys.Secret != "" {
		return nil
	}
	if err := makeDataDir(p.cfg.DataDir); err != nil {
		return err
	}
	key, err := ownSecretKey(p.cfg.DataDir)
	p.keys.Secret = key
	return err
}

func (p *parts) configuredKeys() {
	p.keys.Secret = p.cfg.SecretKey.Reveal()
	for _, old := range p.cfg.SecretKeyFallbacks {
		p.keys.Fallbacks = append(p.keys.Fallbacks, old.Reveal())
	}
}

// ownDatabase reports whether the database is the one in data_dir, which no other program writes.
func (p *parts) ownDatabase() bool { return p.cfg.Database.URL == (config.Secret{}) }

func (p *parts) openDatabase() error {
	if p.ownDatabase() {
		if err := makeDataDir(p.cfg.DataDir); err != nil {
			return err
		}
	}
	db, err := sqlconn.Open(databaseURL(p.cfg), sqlconn.Options{TimeZone: p.cfg.Database.Location()})
	if err != nil {
		return fmt.Errorf("%w (key database.url)", err)
	}
	p.db = db
	p.closers = append(p.closers, db.Close)
	if p.cfg.TLS.Storage == "database" {
		withTable(p, certtable.New(p.db))
	}
	return nil
}

// databaseURL is that of data_dir where none is named.
func databaseURL(cfg config.Config) string {
	if cfg.Database.URL.Empty() {
		return "sqlite:" + filepath.Join(cfg.DataDir, "coatcheck.sqlite3")
	}
	return cfg.Database.URL.Reveal()
}

// openUsers opens the user directory, in a database of its own where users.url names one.
func (p *parts) openUsers() error {
	u := p.cfg.Users
	db := p.db
	if !u.URL.Empty() {
		var err error
		if db, err = sqlconn.Open(u.URL.Reveal(), sqlconn.Options{TimeZone: p.cfg.Database.Location()}); err != nil {
			return fmt.Errorf("%w (key users.url)", err)
		}
		p.closers = append(p.closers, db.Close)
	}
	p.userDB = db
	registry, err := password.FromNames(p.passwordFormats())
	if err != nil {
		return fmt.Errorf("users.password_formats: %w", err)
	}
	limits := password.Limits{Concurrency: p.cfg.Login.HashConcurrency}
	if p.room != nil {
		limits.Begin, limits.End = p.room.enter, p.room.leave
	}
	p.hashes = registry.WithLimits(limits)
	p.users, err = userdb.Open(db, userdb.Options{
		Table: u.Table, Columns: userdb.Columns(u.Columns), GroupsQuery: u.GroupsQuery, Query: u.Query,
		Registry: p.hashes,
		Upgrade:  p.upgradePasswords(),
		Log:      p.log, Attrs: requestAttrs,
	})
	p.throttle = withTable(p, throttle.New(p.db, throttle.Options{MaxAttempts: p.cfg.Login.MaxAttempts, Secret: p.keys.Secret}))
	return err
}

// djangoUsers reports whether the user table is Django's own.
func (p *parts) djangoUsers() bool {
	return p.cfg.Users.Query == "" && p.cfg.Users.Table == userdb.DjangoTable
}

// passwordFormats: Django's default list for Django's table, otherwise all but plain and unsalted ones.
func (p *parts) passwordFormats() []string {
	if len(p.cfg.Users.PasswordFormats) > 0 || p.djangoUsers() {
		return p.cfg.Users.PasswordFormats
	}
	return []string{"all"}
}

// upgradePasswords: a Django with another work factor would write the column back at its own logins, and each write ends sessions.
func (p *parts) upgradePasswords() bool {
	return p.cfg.Users.UpgradePasswords == "true" || (p.cfg.Users.UpgradePasswords == "auto" && p.ownUsers())
}

// ownUsers reports whether the user table is the one we made, which nobody else writes.
func (p *parts) ownUsers() bool { return p.ownDatabase() && p.cfg.Users.URL.Empty() && p.djangoUsers() }

func (p *parts) openSessions() error {
	p.ledger = withTable(p, ledger.New(p.db, p.keys, time.Now))
	p.leases = withTable(p, lease.New(p.db, time.Now))
	store, err := p.openStore()
	if err != nil {
		return err
	}
	p.store = store
	if p.metrics != nil {
		store = p.metrics.Store(store)
	}
	if p.nearOn() {
		if err := p.openNearUsers(); err != nil {
			return err
		}
		if store, err = p.openNear(store); err != nil {
			return err
		}
	}
	p.sessions = sessionstore.New(store, p.settings, time.Now)
	return nil
}

// openStore is where a session engine is added: one case.
func (p *parts) openStore() (sessionstore.Store, error) {
	signed := codec.NewSigned(p.keys, time.Now)
	switch engine := p.cfg.Session.Engine; engine {
	case "db":
		return withTable(p, dbstore.New(p.db, signed, dbstore.Options{})), nil
	case "file":
		return p.openFiles(signed)
	case "cache":
		c, err := p.openCache()
		if err != nil {
			return nil, err
		}
		return cachestore.New(c, cachestore.Options{}), nil
	case "cached_db":
		return p.openCachedDB(dbstore.New(p.db, signed, dbstore.Options{}))
	case "signed_cookies":
		return cookiestore.New(p.keys, p.ledger, p.settings.CookieAge, time.Now), nil
	default:
		return nil, fmt.Errorf("session.engine %s has no store", engine)
	}
}

// openCache opens the cache; its server may come later.
func (p *parts) openCache() (*cache.Cache, error) {
	c, err := cache.Open(p.cfg.Cache.URL.Reveal(), cache.Options{
		KeyPrefix: p.cfg.Cache.KeyPrefix, Version: p.cfg.Cache.Version, CAFile: p.cfg.Cache.CAFile,
	})
	if err != nil {
		return nil, fmt.Errorf("%w (key cache.url)", err)
	}
	p.cache = c
	p.closers = append(p.closers, c.Close)
	return c, nil
}

// openCachedDB puts the cache in front of rows. A fault of the cache is only worth a line in the log: the row decides.
func (p *parts) openCachedDB(rows *dbstore.Store) (sessionstore.Store, error) {
	c, err := p.openCache()
	if err != nil {
		return nil, err
	}
	store := cacheddbstore.New(withTable(p, rows), c, cacheddbstore.Options{
		EntryLife: p.settings.CookieAge,
		Fault: func(err error) {
			p.log.Warn("session cache: the database is asked instead", "event", "cache_error", "err", err)
		},
	})
	p.background = append(p.background, func(ctx context.Context) { settle(ctx, store, p.log) })
	return store, nil
}

// openFiles opens Django's directory, or makes one of our own in data_dir.
func (p *parts) openFiles(signed *codec.Signed) (sessionstore.Store, error) {
	dir := p.cfg.Session.FilePath
	if dir == "" {
		dir = filepath.Join(p.cfg.DataDir, "sessions")
		if err := makeDataDir(dir); err != nil {
			return nil, err
		}
	}
	store, err := filestore.Open(signed, filestore.Options{
		Dir: dir, CookieName: p.cfg.Session.CookieName, Settings: p.settings, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, store.Close)
	return store, nil
}

// errForeignDatabase says that the database is in use by a program that is not Django.
var errForeignDatabase = errors.New("the database belongs to another program")

// prepare makes the tables that are missing, in an empty database or beside Django's own. In any other database nothing is made.
func (p *parts) prepare(ctx context.Context) error {
	tables, err := p.db.Tables(ctx)
	if err != nil {
		return fmt.Errorf("look at the database (key database.url): %w", err)
	}
	has := func(name string) bool { return slices.Contains(tables, name) }
	if p.foreign(tables) {
		return fmt.Errorf("%w: it has the tables %s but none of Django's; give coatcheck a database of its own, or Django's (key database.url)",
			errForeignDatabase, some(tables))
	}
	if p.djangoUsers() && p.userDB == p.db && !has(userdb.DjangoTable) {
		if err := p.users.CreateTables(ctx); err != nil {
			return fmt.Errorf("make user tables: %w", err)
		}
	}
	for _, maker := range p.tables {
		if err := maker.CreateTable(ctx); err != nil {
			return err
		}
	}
	if err := p.makeTriggers(ctx, has); err != nil {
		return err
	}
	return p.users.Check(ctx)
}

// foreign reports whether a database with these tables is another program's.
func (p *parts) foreign(tables []string) bool {
	known := func(table string) bool {
		return ours(table) || table == userdb.DjangoTable || table == sessionTable || table == p.cfg.Users.Table
	}
	return len(tables) > 0 && !slices.ContainsFunc(tables, known)
}

// ours reports whether a table is one of coatcheck's own.
func ours(table string) bool { return strings.HasPrefix(table, "coatcheck_") }

// sessionTable is Django's.
const sessionTable = "django_session"

// reachable reports whether the databases answer at all.
func (p *parts) reachable(ctx context.Context) bool {
	return p.ping(ctx, p.db) == nil && p.ping(ctx, p.userDB) == nil
}

func (p *parts) ping(ctx context.Context, db *sqlconn.DB) error {
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	return db.PingContext(ctx)
}

// some lists the first few names.
func some(names []string) string {
	const few = 4
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// firstUserName is whom an empty user table begins with.
const firstUserName = "admin"

// firstPasswordChars leave out what is misread: no 0, 1, l, o. 20 of them hold 100 bits.
const firstPasswordChars = "abcdefghijkmnpqrstuvwxyz23456789"

// makeFirstUser adds the first user to an empty table and returns the password, "" if there was a user already.
func (p *parts) makeFirstUser(ctx context.Context) (string, error) {
	n, err := p.users.Count(ctx)
	if err != nil || n > 0 {
		return "", err
	}
	secret := randomText(firstPasswordChars, 20)
	_, err = p.users.Add(ctx, userdb.NewUser{Username: firstUserName, Password: secret, Staff: true, Superuser: true})
	if errors.Is(err, userdb.ErrUserExists) { // another first start was faster
		return "", nil
	}
	return secret, err
}

// level turns the configured word into slog's.
func level(word string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(word)); err != nil {
		return slog.LevelInfo // config.Load has checked the word
	}
	return l
}
