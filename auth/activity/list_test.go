package activity_test

import (
	"errors"
	"testing"
	"time"

	"coatcheck/auth/activity"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/ledger"
)

func TestOfUserShowsWhatIsLive(t *testing.T) {
	f := newFleet(t)
	p, other := f.process(activity.Limits{}), f.process(activity.Limits{})
	own := p.login("7")
	f.after(time.Second)
	there := other.login("7")
	f.after(time.Second)
	django := p.begin("7")
	p.login("8")
	if got, want := p.list("7"), digests(there, own); got != want {
		t.Errorf("before the Django's was seen: got %s, want %s", got, want)
	}
	p.use(django)
	f.after(time.Second)
	p.use(own)
	if got, want := p.list("7"), digests(own, django, there); got != want {
		t.Errorf("got %s, want the newest activity first: %s", got, want)
	}
	must(t, p.store.Delete(t.Context(), there)) // a logout at the Django
	if got, want := p.list("7"), digests(own, django); got != want {
		t.Errorf("after a logout elsewhere: got %s, want %s", got, want)
	}
	entries, err := p.OfUser(t.Context(), "7")
	must(t, err)
	if e := entries[0]; e.Address != "192.0.2.7" || e.Agent != "Firefox" || e.UserID != "7" || !e.LastSeen.Equal(f.at) || !e.Created.Equal(f.at.Add(-3*time.Second)) {
		t.Errorf("got %+v", e)
	}
}

func TestEnd(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{})
	of7, of8 := p.login("7"), p.login("8")
	if err := p.End(t.Context(), "7", p.Current(of8)); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("another user's session: got %v, want ErrUnknown", err)
	}
	if !p.use(of8) {
		t.Error("it was ended")
	}
	must(t, p.End(t.Context(), "7", p.Current(of7)))
	if !p.principal(of7).Anonymous() || p.list("7") != "" {
		t.Error("alive after its end")
	}
	if err := p.End(t.Context(), "7", p.Current(of7)); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("again: got %v, want ErrUnknown", err)
	}
}

func TestEndOthers(t *testing.T) {
	f := newFleet(t)
	p, other := f.process(activity.Limits{}), f.process(activity.Limits{})
	own, second, third, of8 := p.login("7"), p.login("7"), other.login("7"), p.login("8")
	django := p.begin("7")
	p.use(django) // not written yet
	n, err := p.EndOthers(t.Context(), "7", own)
	if n != 3 || err != nil {
		t.Errorf("ended %d, %v; want 3", n, err)
	}
	for name, c := range map[string]struct {
		key  string
		want bool
	}{"own": {own, true}, "second": {second, false}, "of another process": {third, false}, "a Django's": {django, false}, "another user's": {of8, true}} {
		if got := !p.principal(c.key).Anonymous(); got != c.want {
			t.Errorf("%s: alive %t, want %t", name, got, c.want)
		}
	}
	if n, err := p.EndOthers(t.Context(), "7", ""); n != 1 || err != nil {
		t.Errorf("all: ended %d, %v; want 1", n, err)
	}
}

// What another process has yet to write does not bring a session back into the list.
func TestLateBatchAfterLogout(t *testing.T) {
	f := newFleet(t)
	p, late := f.process(activity.Limits{}), f.process(activity.Limits{})
	key := p.login("7")
	late.use(key)
	must(t, p.store.Delete(t.Context(), key))
	p.Left(t.Context(), key)
	late.flush()
	held, err := p.ledger.OfUser(t.Context(), "7")
	if err != nil || len(held) != 0 {
		t.Errorf("got %+v, %v; want none", held, err)
	}
}

// The key of a signed cookie changes with each save; the session stays the same one.
func TestSignedCookies(t *testing.T) {
	f := newFleet(t)
	db, err := sqlconn.Open(f.url, sqlconn.Options{})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	store := cookiestore.New(keys, ledger.New(db, keys, f.now), sessionstore.DefaultCookieAge, f.now)
	p := f.over(db, store, activity.Limits{Lifetime: time.Hour}, func(o *activity.Options) { o.Digest = store.Digest })
	key := p.login("7")
	f.after(30 * time.Minute)
	who, err := p.check(key)
	must(t, err)
	must(t, who.Session.Set("cart", "full"))
	must(t, who.Session.Save(t.Context()))
	again := who.Session.Key()
	if again == key {
		t.Fatal("the cookie did not change")
	}
	p.Touch(t.Context(), who) // as a request does that has written the session
	if !p.use(again) || p.list("7") != p.Current(key) {
		t.Errorf("got %s, want the one session %s", p.list("7"), p.Current(key))
	}
	f.after(30 * time.Minute)
	if p.use(again) {
		t.Error("alive an hour after the login")
	}
	second := p.login("7")
	must(t, p.End(t.Context(), "7", p.Current(second)))
	if !p.principal(second).Anonymous() {
		t.Error("a cookie whose session was ended is taken")
	}
}
