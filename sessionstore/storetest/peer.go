package storetest

import (
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// pair is a store and the Django on the same records.
type pair struct {
	*desk
	peer *Django
}

// django: Django reads what we wrote and writes what we read.
func (h Harness) django(t *testing.T) {
	d := h.desk(t)
	if d.Django == nil {
		t.Skip("Django does not share these records")
	}
	peer := StartDjango(t, d.Django)
	for name, test := range map[string]func(*pair){
		"Django reads what we wrote":       (*pair).reads,
		"we read what Django wrote":        (*pair).writes,
		"a copy by Django is our copy":     (*pair).copies,
		"update by Django and by us":       (*pair).updates,
		"logout by Django":                 (*pair).logoutThere,
		"logout by us":                     (*pair).logoutHere,
		"cycle key by Django":              (*pair).cycles,
		"expiry set by us":                 (*pair).expiryHere,
		"expiry set by Django":             (*pair).expiryThere,
		"clearing by Django spares living": (*pair).clears,
	} {
		t.Run(name, func(t *testing.T) {
			mine := *peer
			mine.t, mine.asked = t, d.Settle
			test(&pair{desk: d.with(t), peer: &mine})
		})
	}
}

// json is a record of all values that JSON holds. Cookies hold fewer.
func (p *pair) json() sessionstore.Record {
	rec := p.record()
	for _, e := range jsonValues() {
		if text := string(e.Key.(pyvalue.Str)); !p.traits.KeyIsData || len(shorten(dictOf(e))) < 60 {
			rec.Data.Set(text, e.Value)
		}
	}
	return rec
}

func dictOf(entries ...pyvalue.Entry) *pyvalue.Dict {
	d := pyvalue.NewDict()
	for _, e := range entries {
		d.Set(string(e.Key.(pyvalue.Str)), e.Value)
	}
	return d
}

func (p *pair) same(what string, got, want *pyvalue.Dict) {
	p.Helper()
	if !got.Equal(want) {
		p.Errorf("%s:\n got %s\nwant %s", what, shorten(got), shorten(want))
	}
}

// without returns what Django read, less the store's own name.
func (p *pair) without(d *pyvalue.Dict) *pyvalue.Dict {
	if p.traits.OwnName == "" {
		return d
	}
	c := dictOf(d.Entries()...)
	if !c.Delete(p.traits.OwnName) {
		p.Errorf("Django does not see the store's own %s", p.traits.OwnName)
	}
	return c
}

func (p *pair) reads() {
	rec := p.json()
	key := p.create(sessionstore.NewKey(), rec)
	got := p.peer.Load(key)
	if !got.Found || got.Key != key {
		p.Fatalf("Django finds no session under our key, but %+v", got)
	}
	p.same("Django read", p.without(got.Data), rec.Data)
	if empty := p.peer.Load(p.create(sessionstore.NewKey(), p.record())); !empty.Found || p.without(empty.Data).Len() > 0 {
		p.Errorf("Django read an empty session as %+v", empty)
	}
}

func (p *pair) writes() {
	rec := p.json()
	made := p.peer.Create(rec.Data)
	if !p.sessions.ValidKey(made.Key) {
		p.Fatalf("we refuse Django's key %q", made.Key)
	}
	s := p.open(made.Key)
	if s.Key() != made.Key {
		p.Fatalf("we find no session under Django's key; refused: %v", s.Refused())
	}
	got, err := p.store.Load(p.Context(), made.Key)
	if err != nil {
		p.Fatal(err)
	}
	p.same("we read", got.Data, rec.Data)
	if want := time.Now().Add(defaults.CookieAge); !p.traits.NoExpiry && got.Expires.Sub(want).Abs() > time.Minute {
		p.Errorf("it ends %s, want about %s", got.Expires, want)
	}
}

// copies: our record, read and written by Django under another key, is the same to us, whatever the values.
func (p *pair) copies() {
	rec := p.record()
	for _, e := range p.allValues() {
		if !p.traits.KeyIsData || len(shorten(dictOf(e))) < 60 {
			rec.Data.Set(string(e.Key.(pyvalue.Str)), e.Value)
		}
	}
	key := p.create(sessionstore.NewKey(), rec)
	copied := p.peer.must("copy", map[string]any{"key": key})
	got, err := p.store.Load(p.Context(), copied.Key)
	if err != nil {
		p.Fatal(err)
	}
	p.same("Django's copy", got.Data, rec.Data)
}

func (p *pair) updates() {
	key := p.create(sessionstore.NewKey(), p.record("x", 1))
	there := p.peer.Update(key, p.record("x", 2).Data)
	if there.Error != "" {
		p.Fatal(there.Error)
	}
	s := p.open(there.Key)
	if v, _ := s.Get("x"); !pyvalue.Equal(v, pyvalue.NewInt(2)) {
		p.Errorf("after Django's update x = %v, want 2", v)
	}
	p.set(s, "y", 3)
	p.save(s)
	p.same("Django read after our update", p.without(p.peer.Load(s.Key()).Data), p.record("x", 2, "y", 3).Data)
}

func (p *pair) logoutThere() {
	if p.traits.KeyIsData {
		return // Django's cookies cannot be ended
	}
	s := p.saved()
	p.peer.Delete(s.Key())
	p.refuses(s.Key())
}

func (p *pair) logoutHere() {
	if p.traits.KeyIsData {
		return
	}
	key := p.peer.Create(p.record("x", 1).Data).Key
	s := p.open(key)
	if err := s.Flush(p.Context()); err != nil {
		p.Fatal(err)
	}
	if got := p.peer.Load(key); got.Found || got.Data.Len() > 0 {
		p.Errorf("Django still reads %+v", got)
	}
	if got := p.peer.Ask("exists", map[string]any{"key": key}); got.Found {
		p.Error("it exists for Django")
	}
}

func (p *pair) cycles() {
	s := p.saved()
	p.clock.advance(time.Second) // a cookie signed in the same second is the same cookie
	moved := p.peer.must("cycle", map[string]any{"key": s.Key()})
	if moved.Key == s.Key() && !p.traits.KeyIsData {
		p.Errorf("Django kept the key %q", s.Key())
	}
	if !p.traits.KeyIsData && p.exists(s.Key()) {
		p.Error("the old record is still there")
	}
	if v, _ := p.open(moved.Key).Get("x"); !pyvalue.Equal(v, pyvalue.NewInt(1)) {
		p.Errorf("x = %v under the new key, want 1", v)
	}
}

func (p *pair) expiryHere() {
	for name, test := range map[string]struct {
		expiry sessionstore.Expiry
		age    time.Duration
		closes bool
	}{
		"default":       {sessionstore.DefaultExpiry(), defaults.CookieAge, false},
		"300 seconds":   {sessionstore.Inactive(300 * time.Second), 300 * time.Second, false},
		"10.5 seconds":  {sessionstore.Inactive(10500 * time.Millisecond), 10500 * time.Millisecond, false},
		"browser close": {sessionstore.AtBrowserClose(), defaults.CookieAge, true},
	} {
		s := p.open("")
		p.set(s, "x", 1)
		s.SetExpiry(test.expiry)
		p.save(s)
		got := p.peer.must("expiry", map[string]any{"key": s.Key()})
		if got.Age != test.age || got.Closes != test.closes {
			p.Errorf("%s: Django says age %s, browser close %v; want %s, %v", name, got.Age, got.Closes, test.age, test.closes)
		}
	}
}

func (p *pair) expiryThere() {
	for _, test := range []struct {
		seconds int
		live    bool
	}{{300, true}, {0, true}, {-10, p.traits.KeyIsData}} {
		key := p.peer.Create(p.record("x", 1).Data).Key
		key = p.peer.must("set_expiry", map[string]any{"key": key, "seconds": test.seconds}).Key
		s := p.open(key)
		if (s.Key() != "") != test.live {
			p.Errorf("%d seconds: live %v, want %v", test.seconds, s.Key() != "", test.live)
		}
		want := time.Duration(test.seconds) * time.Second
		if test.seconds == 0 {
			want = defaults.CookieAge
		}
		if test.live && (s.Age() != want || s.BrowserClose() != (test.seconds == 0)) {
			p.Errorf("%d seconds: age %s, browser close %v", test.seconds, s.Age(), s.BrowserClose())
		}
	}
}

func (p *pair) clears() {
	s := p.saved()
	answer := p.peer.Ask("clear_expired", nil)
	if answer.Error != "" && !strings.Contains(answer.Error, "NotImplemented") {
		p.Fatal(answer.Error)
	}
	if !p.exists(s.Key()) {
		p.Error("Django cleared a living session")
	}
}
