package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/storetest"
)

// exampleSessions are sessions in memory, at a time that stands still.
func exampleSessions() *sessionstore.Sessions {
	clock := func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
	return sessionstore.New(storetest.NewMemory(clock), sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, clock)
}

// must ends an example that went wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// visit is what each of the following examples does with its engine: one request writes, the next one reads.
func visit(store sessionstore.Store, now func() time.Time) {
	ctx := context.Background()
	sessions := sessionstore.New(store, sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, now)

	session, err := sessions.Open(ctx, "") // a visitor without a cookie
	must(err)
	must(session.Set("username", "syed"))
	must(session.Save(ctx))

	session, err = sessions.Open(ctx, session.Key()) // the key comes back in the cookie
	must(err)
	name, _ := session.GetString("username")
	fmt.Println(name)

	must(session.Flush(ctx))
	name, found := session.GetString("username")
	fmt.Printf("%q %v\n", name, found)
}

func Example_sqlite() {
	dir, err := os.MkdirTemp("", "sessions-")
	must(err)
	defer os.RemoveAll(dir)
	db, err := sqlconn.Open("sqlite:"+filepath.Join(dir, "app.sqlite3"), sqlconn.Options{}) // or postgres://…, mysql://…
	must(err)
	defer db.Close()
	store := dbstore.New(db, codec.NewSigned(signing.Keys{Secret: "Django's SECRET_KEY"}, time.Now), dbstore.Options{})
	must(store.CreateTable(context.Background())) // Django's migrate does it, too
	visit(store, time.Now)
	// Output:
	// syed
	// "" false
}

func Example_files() {
	dir, err := os.MkdirTemp("", "sessions-")
	must(err)
	defer os.RemoveAll(dir)
	store, err := filestore.Open(codec.NewSigned(signing.Keys{Secret: "Django's SECRET_KEY"}, time.Now), filestore.Options{
		Dir: dir, CookieName: "sessionid", Settings: sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, Now: time.Now,
	})
	must(err)
	defer store.Close()
	visit(store, time.Now)
	// Output:
	// syed
	// "" false
}

func Example_signedCookies() {
	// Logged-out cookies are remembered; a program with several processes keeps that in a table (package ledger).
	store := cookiestore.New(signing.Keys{Secret: "Django's SECRET_KEY"}, loggedOut{}, sessionstore.DefaultCookieAge, time.Now)
	visit(store, time.Now)
	// Output:
	// syed
	// "" false
}

// loggedOut remembers until the process ends.
type loggedOut map[string]bool

func (l loggedOut) Revoke(_ context.Context, digest string, _ time.Time) error {
	l[digest] = true
	return nil
}
func (l loggedOut) Revoked(_ context.Context, digest string) (bool, error) { return l[digest], nil }
func (l loggedOut) ClearRevoked(context.Context) (int64, error)            { return 0, nil }

func ExampleSession_Set() {
	session, err := exampleSessions().Open(context.Background(), "")
	must(err)
	must(session.Set("username", "syed"))
	must(session.Set("visits", 3))
	must(session.Set("cart", []any{"apples", map[string]any{"pears": 2}}))
	fmt.Println(session.Set("connection", os.Stdout))
	// Output: a session cannot hold a *os.File
}

func ExampleSession_Get() {
	session, err := exampleSessions().Open(context.Background(), "")
	must(err)
	must(session.Set("visits", 3))
	visits, found := session.Get("visits")
	fmt.Println(visits, found)
	_, found = session.Get("absent")
	fmt.Println(found)
	// Output:
	// 3 true
	// false
}

func ExampleSession_Delete() {
	session, err := exampleSessions().Open(context.Background(), "")
	must(err)
	must(session.Set("username", "syed"))
	fmt.Println(session.Delete("username"), session.Delete("username"))
	// Output: true false
}

// A flush ends the session: record, data and key are gone, also for who still has the cookie.
func ExampleSession_Flush() {
	ctx, sessions := context.Background(), exampleSessions()
	session, err := sessions.Open(ctx, "")
	must(err)
	must(session.Set("username", "syed"))
	must(session.Save(ctx))
	cookie := session.Key()
	must(session.Flush(ctx))
	again, err := sessions.Open(ctx, cookie)
	must(err)
	fmt.Println(again.Empty())
	// Output: true
}

func ExampleSession_SetExpiry() {
	session, err := exampleSessions().Open(context.Background(), "")
	must(err)
	for _, expiry := range []sessionstore.Expiry{
		sessionstore.Inactive(5 * time.Minute), // after each save
		sessionstore.At(time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)),
		sessionstore.AtBrowserClose(),
		sessionstore.DefaultExpiry(),
	} {
		session.SetExpiry(expiry)
		fmt.Println(session.Age(), session.BrowserClose(), session.Expires().Format("2 January 15:04"))
	}
	// Output:
	// 5m0s false 1 March 12:05
	// 24h0m0s false 2 March 12:00
	// 336h0m0s true 15 March 12:00
	// 336h0m0s false 15 March 12:00
}

// An anonymous visitor's cart is kept through the login, under a new key; the old one is worth nothing any more.
func ExampleSession_CycleKey() {
	ctx, sessions := context.Background(), exampleSessions()
	session, err := sessions.Open(ctx, "a key that somebody made up")
	must(err)
	fmt.Printf("key %q before anything is stored\n", session.Key())
	must(session.Set("cart", "three apples"))
	must(session.Save(ctx))
	anonymous := session.Key()

	must(session.Set("username", "syed"))
	must(session.CycleKey(ctx))
	cart, _ := session.GetString("cart")
	old, err := sessions.Open(ctx, anonymous)
	must(err)
	fmt.Println(cart, session.Key() != anonymous, old.Empty())
	// Output:
	// key "" before anything is stored
	// three apples true true
}

// A session that was ended elsewhere stays dead.
func ExampleSession_Save() {
	ctx, sessions := context.Background(), exampleSessions()
	session, err := sessions.Open(ctx, "")
	must(err)
	must(session.Set("username", "syed"))
	must(session.Save(ctx))

	elsewhere, err := sessions.Open(ctx, session.Key())
	must(err)
	must(elsewhere.Flush(ctx))

	must(session.Set("visits", 2))
	fmt.Println(errors.Is(session.Save(ctx), sessionstore.ErrGone))
	// Output: true
}

// Two requests of one visitor write at the same moment.
func ExampleSession_Merge() {
	ctx, sessions := context.Background(), exampleSessions()
	first, err := sessions.Open(ctx, "")
	must(err)
	must(first.Set("username", "syed"))
	must(first.Save(ctx))
	second, err := sessions.Open(ctx, first.Key())
	must(err)

	must(first.Set("language", "de"))
	must(second.Set("theme", "dark"))
	must(first.Merge(ctx))
	must(second.Merge(ctx))
	for name, value := range second.All() {
		fmt.Println(name, value)
	}
	// Output:
	// username syed
	// language de
	// theme dark
}

// A counter that counts each request once, however many come at a time.
func ExampleSessions_Change() {
	ctx, sessions := context.Background(), exampleSessions()
	session, err := sessions.Open(ctx, "")
	must(err)
	must(session.Set("visits", 0))
	must(session.Save(ctx))

	done := make(chan error)
	for range 10 {
		go func() {
			_, err := sessions.Change(ctx, session.Key(), func(s *sessionstore.Session) error {
				visits, _ := s.Get("visits")
				n, _ := visits.(interface{ Int64() (int64, bool) }).Int64()
				return s.Set("visits", n+1)
			})
			done <- err
		}()
	}
	for range 10 {
		must(<-done)
	}
	session, err = sessions.Open(ctx, session.Key())
	must(err)
	fmt.Println(session.Get("visits"))
	// Output: 10 true
}
