package activity_test

import (
	"slices"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/activity"
)

func TestIdle_7_3_1(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{Idle: time.Minute})
	key := p.login("7")
	for range 5 {
		f.after(time.Minute - time.Millisecond)
		if !p.use(key) {
			t.Fatal("a session in use was ended")
		}
	}
	f.after(30 * time.Second)
	if !p.alive(key) { // a look on a route with touch: false
		t.Fatal("ended before its time")
	}
	f.after(30 * time.Second)
	if p.alive(key) {
		t.Error("alive after a minute without activity")
	}
	if who := p.principal(key); !who.Anonymous() {
		t.Error("the record is still there")
	}
	if !slices.Contains(p.ended, key) {
		t.Errorf("told of the end: %q, want the live connections of the session to end", p.ended)
	}
}

func TestLifetime_J6(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{Idle: 2 * time.Second, Lifetime: 10 * time.Second})
	key := p.login("7")
	for range 19 { // constant traffic
		f.after(500 * time.Millisecond)
		if !p.use(key) {
			t.Fatal("ended before its time")
		}
	}
	who, err := p.check(key)
	must(t, err)
	if left := who.Ends.Absolute.Sub(f.at); left != 500*time.Millisecond {
		t.Errorf("%s left, want 0.5 s", left)
	}
	f.after(500 * time.Millisecond)
	if p.use(key) {
		t.Error("alive 10 s after the login")
	}
}

func TestIdleHereActiveThere(t *testing.T) {
	f := newFleet(t)
	limits := activity.Limits{Idle: time.Minute}
	here, there := f.process(limits), f.process(limits)
	key := here.login("7")
	for range 3 {
		f.after(50 * time.Second)
		if !there.use(key) {
			t.Fatal("ended where it is used")
		}
		there.flush()
	}
	if !here.alive(key) {
		t.Error("ended by a process that had not seen it for long, though another one has")
	}
	f.after(time.Minute)
	if here.alive(key) || there.alive(key) {
		t.Error("alive after a minute without activity at either")
	}
}

func TestRestartKeepsTheTimeOfLogin(t *testing.T) {
	f := newFleet(t)
	limits := activity.Limits{Lifetime: time.Hour}
	key := f.process(limits).login("7")
	f.after(59 * time.Minute)
	if !f.process(limits).use(key) {
		t.Fatal("ended before its time")
	}
	f.after(time.Minute)
	if f.process(limits).use(key) {
		t.Error("alive an hour after the login, at a process that has not seen that")
	}
}

func TestSessionOfADjango(t *testing.T) {
	for _, c := range []struct {
		name string
		data func(at time.Time) []any
		want time.Duration // from when it was first seen
	}{
		{"from first sight", func(time.Time) []any { return nil }, time.Hour},
		{"from _auth_time", func(at time.Time) []any { return []any{"_auth_time", at.Add(-20 * time.Minute).Unix()} }, 40 * time.Minute},
		{"_auth_time with a fraction", func(at time.Time) []any { return []any{"_auth_time", float64(at.Unix()) - 1200.5} }, 40*time.Minute - time.Second},
		{"_auth_time in the future", func(at time.Time) []any { return []any{"_auth_time", at.Add(time.Hour).Unix()} }, time.Hour},
		{"_auth_time that is none", func(time.Time) []any { return []any{"_auth_time", "yesterday"} }, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t)
			p := f.process(activity.Limits{Lifetime: time.Hour})
			key := p.begin("7", c.data(f.at)...)
			f.after(-f.at.Sub(f.at.Truncate(time.Second)))
			if !p.use(key) {
				t.Fatal("ended at first sight")
			}
			f.after(c.want - time.Second)
			if !p.use(key) {
				t.Errorf("ended before %s", c.want)
			}
			f.after(time.Second)
			if p.use(key) {
				t.Errorf("alive after %s", c.want)
			}
		})
	}
}

func TestLedgerDown(t *testing.T) {
	f := newFleet(t)
	limits := activity.Limits{Idle: time.Minute}
	p := f.process(limits)
	key := p.login("7")
	who := p.principal(key)
	cold, idle := f.process(limits), f.process(limits)
	idle.use(key)
	off := f.process(activity.Limits{})
	for _, down := range []*process{cold, idle, off} {
		must(t, down.db.Close())
	}
	fault := func(name string, at *process, want bool) {
		t.Helper()
		got, err := at.Check(t.Context(), who.Session, who)
		if (err != nil) != want {
			t.Errorf("%s: got error %v, want a fault: %t", name, err, want)
		}
		if err == nil && got.Anonymous() {
			t.Errorf("%s: a ledger that is down logged somebody out", name)
		}
	}
	fault("a session that this process has not seen", cold, true)
	fault("a session in use", idle, false)
	fault("without limits", off, false)
	f.after(time.Minute)
	fault("a session that was idle here", idle, true)
	if p.principal(key).Anonymous() {
		t.Error("the record is gone")
	}
}

func TestPerUser_7_1_2(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{PerUser: 2})
	var of7 []string
	for range 4 {
		of7 = append(of7, p.login("7"))
		f.after(time.Second)
	}
	of8 := p.login("8")
	for i, want := range []bool{false, false, true, true} {
		if got := p.use(of7[i]); got != want {
			t.Errorf("session %d of four: alive %t, want %t: the oldest go first", i+1, got, want)
		}
	}
	if !p.use(of8) {
		t.Error("another user's session was ended")
	}
	must(t, p.store.Delete(t.Context(), of7[3])) // at a Django
	f.after(time.Second)
	p.login("7")
	if !p.use(of7[2]) {
		t.Error("a session that had ended elsewhere was counted")
	}
}

func TestPerUserAtOnce(t *testing.T) {
	f := newFleet(t)
	processes := []*process{f.process(activity.Limits{PerUser: 1}), f.process(activity.Limits{PerUser: 1})}
	keys := []string{processes[0].begin("7"), processes[1].begin("7")}
	for i, p := range processes {
		_, err := p.Began(t.Context(), p.principal(keys[i]), "")
		must(t, err)
	}
	if first, second := processes[0].use(keys[0]), processes[1].use(keys[1]); first || !second {
		t.Errorf("alive: first %t, second %t; want the later one alone", first, second)
	}
}

func TestLoginWithoutLedger(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits activity.Limits
		fault  bool
	}{{"without limits", activity.Limits{}, false}, {"per user", activity.Limits{PerUser: 1}, true}, {"idle", activity.Limits{Idle: time.Hour}, true}} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t)
			p := f.process(c.limits)
			key := p.begin("7")
			if _, err := p.db.Exec("DROP TABLE coatcheck_session"); err != nil {
				t.Fatal(err)
			}
			who, err := p.Began(t.Context(), p.principal(key), "")
			if (err != nil) != c.fault {
				t.Errorf("login: got error %v, want a fault: %t", err, c.fault)
			}
			if gone := p.principal(key).Anonymous(); gone != c.fault || who.Anonymous() != c.fault {
				t.Errorf("session gone: %t, want %t", gone, c.fault)
			}
		})
	}
}

// A session that was ended here stays so, although its record is there again or still.
func TestEndedSessionIsOver(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{Idle: time.Hour})
	key := p.login("7")
	must(t, p.ledger.End(t.Context(), p.Current(key), f.at.Add(time.Hour)))
	if other := f.process(activity.Limits{Idle: time.Hour}); other.use(key) {
		t.Error("alive")
	}
}

func TestEndDue(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{Idle: time.Minute, Lifetime: time.Hour})
	idle := p.login("7")
	f.after(10 * time.Minute)
	fresh := p.login("7")
	n, err := p.EndDue(t.Context())
	if n != 1 || err != nil || !p.principal(idle).Anonymous() || p.principal(fresh).Anonymous() {
		t.Errorf("ended %d, %v; want the idle session and no other", n, err)
	}
	f.after(time.Hour)
	if n, err := p.EndDue(t.Context()); n != 1 || err != nil {
		t.Errorf("ended %d, %v; want the old one", n, err)
	}
	if n, err := f.process(activity.Limits{}).EndDue(t.Context()); n != 0 || err != nil {
		t.Errorf("without limits: ended %d, %v", n, err)
	}
}

// A session is no younger for a new key.
func TestMoved(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{Lifetime: time.Hour})
	key := p.login("7")
	f.after(50 * time.Minute)
	who := p.principal(key)
	must(t, who.Session.CycleKey(t.Context()))
	must(t, p.Moved(t.Context(), key, who.Session, "7"))
	f.after(10 * time.Minute)
	if p.use(who.Session.Key()) {
		t.Error("alive an hour after the login")
	}
}

func TestAnonymousAndBasicAreNotCounted(t *testing.T) {
	p := newFleet(t).process(activity.Limits{Idle: time.Minute, PerUser: 1})
	for name, who := range map[string]auth.Principal{"nobody": {}, "credentials without a session": {ID: "7"}} {
		session, err := p.sessions.Open(t.Context(), "")
		must(t, err)
		got, err := p.Check(t.Context(), session, who)
		if touched := p.Touch(t.Context(), got); err != nil || touched.ID != who.ID {
			t.Errorf("%s: got %+v, %v", name, touched, err)
		}
	}
	p.flush()
	if got := p.list("7"); got != "" {
		t.Errorf("noted %s", got)
	}
}
