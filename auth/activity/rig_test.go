package activity_test

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/activity"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/ledger"
)

var keys = signing.Keys{Secret: "a secret key of tests"}

// fleet is one database with any number of processes, and one clock.
type fleet struct {
	t   testing.TB
	at  time.Time
	url string
}

// process is one of them.
type process struct {
	*activity.Register
	f        *fleet
	db       *sqlconn.DB
	store    sessionstore.Store
	sessions *sessionstore.Sessions
	ledger   *ledger.Ledger
	log      *strings.Builder
	ended    []string
}

func newFleet(t testing.TB) *fleet {
	return &fleet{t: t, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), url: "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3")}
}

func (f *fleet) now() time.Time        { return f.at }
func (f *fleet) after(d time.Duration) { f.at = f.at.Add(d) }

func (f *fleet) process(limits activity.Limits, change ...func(*activity.Options)) *process {
	f.t.Helper()
	db, err := sqlconn.Open(f.url, sqlconn.Options{})
	must(f.t, err)
	f.t.Cleanup(func() { _ = db.Close() })
	rows := dbstore.New(db, codec.NewSigned(keys, f.now), dbstore.Options{Now: f.now})
	must(f.t, rows.CreateTable(f.t.Context()))
	return f.over(db, rows, limits, change...)
}

// over is a process with a session store of its choice.
func (f *fleet) over(db *sqlconn.DB, store sessionstore.Store, limits activity.Limits, change ...func(*activity.Options)) *process {
	f.t.Helper()
	p := &process{f: f, db: db, store: store, ledger: ledger.New(db, keys, f.now), log: &strings.Builder{}}
	must(f.t, p.ledger.CreateTable(f.t.Context()))
	p.sessions = sessionstore.New(p.store, sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, f.now)
	o := activity.Options{
		Records: p.ledger, Sessions: p.sessions, Limits: limits, Now: f.now,
		Visitor: func(context.Context) activity.Visitor {
			return activity.Visitor{Address: netip.MustParseAddr("192.0.2.7"), Agent: "Firefox"}
		},
		Ended: func(key string) { p.ended = append(p.ended, key) },
		Log:   logTo(p.log),
	}
	for _, c := range change {
		c(&o)
	}
	p.Register = activity.New(o)
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin makes a session of the user as a Django would: without telling.
func (p *process) begin(user string, data ...any) string {
	p.f.t.Helper()
	session, err := p.sessions.Open(p.f.t.Context(), "")
	must(p.f.t, err)
	must(p.f.t, session.Set("_auth_user_id", user))
	for i := 0; i < len(data); i += 2 {
		must(p.f.t, session.Set(data[i].(string), data[i+1]))
	}
	must(p.f.t, session.CycleKey(p.f.t.Context()))
	return session.Key()
}

// login is begin with the register told.
func (p *process) login(user string) string {
	p.f.t.Helper()
	key := p.begin(user)
	_, err := p.Began(p.f.t.Context(), p.principal(key), "")
	must(p.f.t, err)
	return key
}

func (p *process) principal(key string) auth.Principal {
	p.f.t.Helper()
	session, err := p.sessions.Open(p.f.t.Context(), key)
	must(p.f.t, err)
	id, _ := auth.UserID(session)
	return auth.Principal{ID: id, Session: session}
}

// check looks at the session as a request on a route with touch: false does.
func (p *process) check(key string) (auth.Principal, error) {
	who := p.principal(key)
	return p.Check(p.f.t.Context(), who.Session, who)
}

// use is a request.
func (p *process) use(key string) bool {
	p.f.t.Helper()
	who, err := p.check(key)
	must(p.f.t, err)
	if who.Anonymous() {
		return false
	}
	p.Touch(p.f.t.Context(), who)
	return true
}

// alive is a look that is no activity.
func (p *process) alive(key string) bool {
	p.f.t.Helper()
	who, err := p.check(key)
	must(p.f.t, err)
	return !who.Anonymous()
}

// flush lets the batch of the process go out.
func (p *process) flush() {
	ctx, cancel := context.WithCancel(p.f.t.Context())
	cancel()
	p.Run(ctx)
}

func (p *process) list(user string) string {
	p.f.t.Helper()
	entries, err := p.OfUser(p.f.t.Context(), user)
	must(p.f.t, err)
	var hashes []string
	for _, e := range entries {
		hashes = append(hashes, e.Hash)
	}
	return strings.Join(hashes, " ")
}

func digests(keys ...string) string {
	var all []string
	for _, key := range keys {
		all = append(all, sessionstore.KeyDigest(key))
	}
	return strings.Join(all, " ")
}
