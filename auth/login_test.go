package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/auth/throttle"
	"coatcheck/auth/userdb"
	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

var background = context.Background()

// TestLogin_everyUser logs in with the formats of Django's default list, as Django does.
func TestLogin_everyUser(t *testing.T) {
	h := build(t, func(h *house) {
		registry := password.NewRegistry(password.NewPBKDF2SHA256(1000), password.NewPBKDF2SHA1(1000),
			password.NewArgon2(password.Argon2Params{Memory: 102400, Time: 2, Threads: 8}), password.NewBCryptSHA256(12), password.NewScrypt())
		directory, err := userdb.Open(h.db, userdb.Options{Registry: registry})
		if err != nil {
			t.Fatal(err)
		}
		h.options.Checker = directory
	})
	for _, u := range h.fixture.Users {
		if u.Password == nil {
			continue
		}
		t.Run(u.Username, func(t *testing.T) {
			session := h.open(t, "")
			p, err := h.service.Login(background, session, attempt(u.Username, *u.Password))
			switch {
			case u.LoginAllowed && (err != nil || p.Username != u.Username):
				t.Errorf("got %q, %v; Django lets them in", p.Username, err)
			case !u.LoginAllowed && (!errors.Is(err, auth.ErrInvalidCredentials) || !session.Empty()):
				t.Errorf("got %q, %v; Django keeps them out", p.Username, err)
			}
		})
	}
}

func TestLogin_writesDjangosSession(t *testing.T) {
	h := build(t, nil)
	session := h.open(t, "")
	if _, err := h.service.Login(background, session, attempt(" "+oldUser+"\u3000", oldPassword)); err != nil {
		t.Fatal(err)
	}
	stored := h.open(t, session.Key())
	for name, want := range h.loggedIn(10) {
		if got, _ := stored.GetString(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if _, set := stored.Get("_session_expiry"); set {
		t.Error("a login by default set an expiry")
	}
	if p, err := h.service.Principal(background, stored); err != nil || p.Username != oldUser {
		t.Errorf("the next request is %q, %v", p.Username, err)
	}
	account, err := h.directory.Named(background, oldUser)
	if err != nil || !account.LastLogin.Equal(noon) {
		t.Errorf("last_login %v, %v; want %v", account.LastLogin, err, noon)
	}
}

// TestLogin_7_2_4 the key is new after every login, the old record is gone, and data passes only to the same visitor.
func TestLogin_7_2_4(t *testing.T) {
	foreign := "x.OtherBackend"
	cases := []struct {
		name    string
		before  func(h *house) map[string]any
		kept    bool
		backend string
	}{
		{"an anonymous visitor", func(*house) map[string]any { return map[string]any{} }, true, auth.DefaultBackend},
		{"the same user", func(h *house) map[string]any { return h.loggedIn(10) }, true, auth.DefaultBackend},
		{"the same user of a known backend", func(h *house) map[string]any { return with(h.loggedIn(10), "_auth_user_backend", "known.Backend") }, true, "known.Backend"},
		{"the same user of a foreign backend", func(h *house) map[string]any { return with(h.loggedIn(10), "_auth_user_backend", foreign) }, true, auth.DefaultBackend},
		{"the same user with an old password", func(h *house) map[string]any { return with(h.loggedIn(10), "_auth_user_hash", "0") }, false, auth.DefaultBackend},
		{"another user", func(h *house) map[string]any { return h.loggedIn(1) }, false, auth.DefaultBackend},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, func(h *house) { h.options.AcceptBackends = []string{"known.Backend"} })
			before := h.put(t, with(c.before(h), "cart", "tea"))
			session := h.open(t, before)
			p, err := h.service.Login(background, session, attempt(oldUser, oldPassword))
			if err != nil || p.Username != oldUser {
				t.Fatalf("login: %q, %v", p.Username, err)
			}
			if session.Key() == before || h.alive(t, before) || !h.alive(t, session.Key()) {
				t.Errorf("key new %v, old record alive %v, new one %v", session.Key() != before, h.alive(t, before), h.alive(t, session.Key()))
			}
			stored := h.open(t, session.Key())
			if _, kept := stored.Get("cart"); kept != c.kept {
				t.Errorf("data kept: %v, want %v", kept, c.kept)
			}
			if got, _ := stored.GetString("_auth_user_backend"); got != c.backend {
				t.Errorf("backend %q, want %q", got, c.backend)
			}
		})
	}
}

// TestLogin_6_3_8 the answer does not tell a wrong password from an unknown, a disabled or an unusable user, nor from a
// format nobody reads, and each of them costs one password check.
func TestLogin_6_3_8(t *testing.T) {
	cases := map[string]auth.Attempt{
		"wrong password":  attempt(oldUser, "wrong"),
		"unknown":         attempt("nobody", "x"),
		"disabled":        attempt("frank", "frank-pw"),
		"unusable":        attempt("grace", "!J3dG8iBJhsRoIc5SSmna8X3pDdgGy4GSmUNN6Ujl"),
		"unknown format":  attempt("heidi", "heidi-pw"),
		"upper case":      attempt(strings.ToUpper(oldUser), oldPassword),
		"composed name":   attempt("Ångstrom", "x"),
		"name of a group": attempt("admins", "x"),
	}
	h := build(t, nil)
	counted := &countingRegistry{Registry: cheapRegistry()}
	directory, err := userdb.Open(h.db, userdb.Options{Registry: counted})
	if err != nil {
		t.Fatal(err)
	}
	h.options.Checker = directory
	service := auth.NewService(h.options)
	for name, a := range cases {
		t.Run(name, func(t *testing.T) {
			counted.calls.Store(0)
			key := h.put(t, map[string]any{"cart": "tea"})
			session := h.open(t, key)
			p, err := service.Login(background, session, a)
			if err != auth.ErrInvalidCredentials || !p.Anonymous() { // the very same error, nothing wrapped around it
				t.Errorf("%q: got %v", a.Login, err)
			}
			if counted.calls.Load() != 1 {
				t.Errorf("%q: %d password checks, want 1", a.Login, counted.calls.Load())
			}
			if session.Key() != key || session.Modified() {
				t.Errorf("%q: a failed login changed the session", a.Login)
			}
		})
	}
}

// TestLogin_6_2_9 hopeless attempts are refused before any hashing, in the same words.
func TestLogin_6_2_9(t *testing.T) {
	h := build(t, func(h *house) { h.options.Checker = nil })
	for name, a := range map[string]auth.Attempt{
		"empty name":             attempt("", "x"),
		"blank name":             attempt(" \u3000\x1f", "x"),
		"NUL in name":            attempt("a\x00b", "x"),
		"name of invalid UTF-8":  attempt("a\xff", "x"),
		"huge name":              attempt(strings.Repeat("a", 1<<20), "x"),
		"empty password":         attempt("alice", ""),
		"password of 4097 bytes": attempt("alice", strings.Repeat("x", 4097)),
	} {
		t.Run(name, func(t *testing.T) {
			h.log.Reset()
			if _, err := h.service.Login(background, h.open(t, ""), a); err != auth.ErrInvalidCredentials {
				t.Errorf("got %v", err)
			}
			if h.events() != "login_failed" || h.log.Len() > 2000 {
				t.Errorf("events %q, %d bytes logged", h.events(), h.log.Len())
			}
		})
	}
}

// countingRegistry counts what reaches the hasher.
type countingRegistry struct {
	userdb.Registry
	calls atomic.Int64
	err   error
}

func (r *countingRegistry) Check(ctx context.Context, password, encoded string) (bool, bool, error) {
	r.calls.Add(1)
	if r.err != nil {
		return false, false, r.err
	}
	return r.Registry.Check(ctx, password, encoded)
}

func (r *countingRegistry) Burn(ctx context.Context, password string) error {
	r.calls.Add(1)
	if r.err != nil {
		return r.err
	}
	return r.Registry.Burn(ctx, password)
}

func TestLogin_remember(t *testing.T) {
	age := pyvalue.NewInt(14 * 24 * 3600).String()
	cases := []struct {
		name     string
		atClose  bool
		remember auth.Remember
		before   any // _session_expiry before the login
		want     string
	}{
		{"default", false, auth.RememberDefault, nil, ""},
		{"default, at close", true, auth.RememberDefault, nil, ""},
		{"on", false, auth.RememberOn, nil, ""},
		{"on, at close", true, auth.RememberOn, nil, age},
		{"off", false, auth.RememberOff, nil, "0"},
		{"off, at close", true, auth.RememberOff, nil, ""},
		{"default after off", false, auth.RememberDefault, 0, ""},
		{"on after off", false, auth.RememberOn, 0, ""},
		{"off after on, at close", true, auth.RememberOff, 14 * 24 * 3600, ""},
		{"default after an application's own", false, auth.RememberDefault, 300, "300"},
		{"off after an application's own", false, auth.RememberOff, 300, "0"},
		{"default after an application's date", false, auth.RememberDefault, "2030-01-02T03:04:05+00:00", "2030-01-02T03:04:05+00:00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, func(h *house) { h.options.Sessions.ExpireAtBrowserClose = c.atClose })
			data := map[string]any{"cart": "tea"}
			if c.before != nil {
				data["_session_expiry"] = c.before
			}
			session := h.open(t, h.put(t, data))
			a := attempt(oldUser, oldPassword)
			a.Remember = c.remember
			if _, err := h.service.Login(background, session, a); err != nil {
				t.Fatal(err)
			}
			value, _ := h.open(t, session.Key()).Get("_session_expiry")
			got := ""
			switch v := value.(type) {
			case pyvalue.Int:
				got = v.String()
			case pyvalue.Str:
				got = string(v)
			}
			if got != c.want {
				t.Errorf("_session_expiry %q, want %q", got, c.want)
			}
		})
	}
}

// TestLogin_readOnlyTable a table that may only be read lets people in all the same, and says so once.
func TestLogin_readOnlyTable_13_2_2(t *testing.T) {
	h := build(t, func(h *house) {
		h.options.RecordLogin = func(context.Context, string, time.Time) error { return errors.New("permission denied") }
	})
	for range 3 {
		if _, err := h.service.Login(background, h.open(t, ""), attempt(oldUser, oldPassword)); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(h.log.String(), "last_login is not recorded"); n != 1 {
		t.Errorf("said %d times, want once", n)
	}
}

// fakeThrottle records what the service tells it.
type fakeThrottle struct {
	begin error
	calls []string
}

func (f *fakeThrottle) Begin(_ context.Context, c auth.Claim) error {
	f.calls = append(f.calls, "begin "+c.Login+" "+c.Client.String())
	return f.begin
}

func (f *fakeThrottle) Succeeded(context.Context, auth.Claim) error {
	f.calls = append(f.calls, "succeeded")
	return nil
}

func (f *fakeThrottle) Withdraw(context.Context, auth.Claim) error {
	f.calls = append(f.calls, "withdraw")
	return nil
}

func TestLogin_throttle_6_3_1(t *testing.T) {
	fault := errors.New("throttle store is down")
	cases := []struct {
		name    string
		begin   error
		hashing error
		attempt auth.Attempt
		calls   string
		want    error
		events  string
	}{
		{"right", nil, nil, attempt(oldUser, oldPassword), "begin, succeeded", nil, "login_ok"},
		{"wrong", nil, nil, attempt(oldUser, "x"), "begin", auth.ErrInvalidCredentials, "login_failed"},
		{"unknown", nil, nil, attempt("nobody", "x"), "begin", auth.ErrInvalidCredentials, "login_failed"},
		{"throttled, right password", &auth.ThrottledError{RetryAfter: time.Minute}, nil, attempt(oldUser, oldPassword), "begin", &auth.ThrottledError{}, "login_throttled"},
		{"throttle cannot be asked", fault, nil, attempt(oldUser, oldPassword), "begin", fault, ""},
		{"15.2.2 hashing is busy", nil, password.ErrBusy, attempt(oldUser, oldPassword), "begin, withdraw", auth.ErrBusy, ""},
		{"15.2.2 hashing is busy, unknown", nil, password.ErrBusy, attempt("nobody", "x"), "begin, withdraw", auth.ErrBusy, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			throttle := &fakeThrottle{begin: c.begin}
			registry := &countingRegistry{Registry: cheapRegistry(), err: c.hashing}
			h := build(t, func(h *house) {
				directory, err := userdb.Open(h.db, userdb.Options{Registry: registry})
				if err != nil {
					t.Fatal(err)
				}
				h.options.Checker, h.options.Throttle = directory, throttle
			})
			_, err := h.service.Login(background, h.open(t, ""), c.attempt)
			checkError(t, err, c.want)
			calls := strings.ReplaceAll(strings.Join(throttle.calls, ", "), "begin "+c.attempt.Login+" 192.0.2.7", "begin")
			if calls != c.calls || h.events() != c.events {
				t.Errorf("throttle heard %q, events %q; want %q, %q", calls, h.events(), c.calls, c.events)
			}
			if c.begin != nil && registry.calls.Load() != 0 {
				t.Error("the password was looked at")
			}
		})
	}
}

func checkError(t *testing.T, got, want error) {
	t.Helper()
	var throttled *auth.ThrottledError
	if errors.As(want, &throttled) {
		if !errors.As(got, &throttled) {
			t.Errorf("got %v, want a ThrottledError", got)
		}
		return
	}
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestLogin_J5 of many wrong passwords at once no more than the limit reach the hasher, whatever the number of processes.
func TestLogin_J5(t *testing.T) {
	registry := &countingRegistry{Registry: cheapRegistry()}
	h := build(t, nil)
	directory, err := userdb.Open(h.db, userdb.Options{Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	var services []*auth.Service
	for range 4 {
		th := throttle.New(h.db, throttle.Options{MaxAttempts: 5, Secret: "s", Now: h.clock})
		if err := th.CreateTable(background); err != nil {
			t.Fatal(err)
		}
		services = append(services, auth.NewService(auth.Options{Directory: directory, Checker: directory, Throttle: th, Keys: h.options.Keys, Now: h.clock}))
	}
	var all sync.WaitGroup
	for i := range 200 {
		session := h.open(t, "")
		all.Go(func() {
			if _, err := services[i%4].Login(background, session, attempt(oldUser, "wrong")); err == nil {
				t.Error("logged in")
			}
		})
	}
	all.Wait()
	if n := registry.calls.Load(); n == 0 || n > 5 {
		t.Errorf("%d wrong passwords reached the hasher, limit 5", n)
	}
	_, err = services[0].Login(background, h.open(t, ""), attempt(oldUser, oldPassword))
	checkError(t, err, &auth.ThrottledError{})
	h.now = h.now.Add(time.Minute)
	if _, err := services[0].Login(background, h.open(t, ""), attempt(oldUser, oldPassword)); err != nil {
		t.Errorf("after the delay: %v", err)
	}
}

// TestLogin_leavingEarly a client that goes away while its password is checked keeps the failure.
func TestLogin_leavingEarly(t *testing.T) {
	throttle := &fakeThrottle{}
	ctx, leave := context.WithCancel(background)
	h := build(t, func(h *house) {
		h.options.Throttle = throttle
		h.options.Checker = checkerFunc(func() (auth.User, error) { leave(); return auth.User{}, ctx.Err() })
	})
	if _, err := h.service.Login(ctx, h.open(t, ""), attempt("alice", "x")); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(throttle.calls) != 1 {
		t.Errorf("throttle heard %q", throttle.calls)
	}
}

type checkerFunc func() (auth.User, error)

func (f checkerFunc) CheckPassword(context.Context, string, string) (auth.User, error) { return f() }

// TestLogin_storeDown a login whose session cannot be kept is no login.
func TestLogin_storeDown_16_5(t *testing.T) {
	h := build(t, nil)
	sessions := sessionstore.New(full{h.store}, h.options.Sessions, h.clock)
	session, err := sessions.Open(background, h.put(t, map[string]any{"cart": "tea"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := h.service.Login(background, session, attempt(oldUser, oldPassword))
	if !errors.Is(err, errFull) || !p.Anonymous() || strings.Contains(h.events(), "login_ok") {
		t.Errorf("got %q, %v, events %q; want the fault", p.Username, err, h.events())
	}
	if err := h.service.Logout(background, session); !errors.Is(err, errFull) || strings.Contains(h.events(), "logout") {
		t.Errorf("logout: %v, events %q; want the fault", err, h.events())
	}
}

var errFull = errors.New("disk full")

// full is a store that can only be read.
type full struct{ sessionstore.Store }

func (full) Create(context.Context, string, sessionstore.Record) (string, error) { return "", errFull }
func (full) Delete(context.Context, string) error                                { return errFull }

func TestLogout_7_4_1(t *testing.T) {
	h := build(t, nil)
	for name, c := range map[string]struct {
		data   map[string]any
		events string
	}{
		"a user":    {h.loggedIn(1), "logout"},
		"a visitor": {map[string]any{"cart": "tea"}, ""},
		"nobody":    {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h.log.Reset()
			session, key := h.open(t, ""), ""
			if c.data != nil {
				key = h.put(t, c.data)
				session = h.open(t, key)
			}
			if err := h.service.Logout(background, session); err != nil {
				t.Fatal(err)
			}
			if !session.Empty() || key != "" && h.alive(t, key) || h.events() != c.events {
				t.Errorf("empty %v, events %q; want an empty session, no record, %q", session.Empty(), h.events(), c.events)
			}
		})
	}
}

// TestLogin_upgrade_N5 the session is made with the hash of the password column as it is after the upgrade.
func TestLogin_upgrade_N5(t *testing.T) {
	h := build(t, func(h *house) {
		directory, err := userdb.Open(h.db, userdb.Options{Registry: password.NewRegistry(password.NewPBKDF2SHA256(2000)), Upgrade: true})
		if err != nil {
			t.Fatal(err)
		}
		h.options.Checker = directory
	})
	session := h.open(t, "")
	if _, err := h.service.Login(background, session, attempt(oldUser, oldPassword)); err != nil {
		t.Fatal(err)
	}
	account, err := h.directory.Named(background, oldUser)
	if err != nil || !strings.HasPrefix(account.Password, "pbkdf2_sha256$2000$") {
		t.Errorf("column %.20q, %v; want 2000 iterations", account.Password, err)
	}
	if p, err := h.service.Principal(background, h.open(t, session.Key())); err != nil || p.Username != oldUser {
		t.Errorf("the next request is %q, %v", p.Username, err)
	}
	if h.events() != "password_upgraded login_ok" {
		t.Errorf("events %q", h.events())
	}
}

func TestEvents_16_4_1(t *testing.T) {
	h := build(t, nil)
	a := attempt("x\r\n{\"event\":\"login_ok\"}\x1b[2J", "secret-password")
	a.Client = netip.Addr{}
	if _, err := h.service.Login(background, h.open(t, ""), a); err != auth.ErrInvalidCredentials {
		t.Fatal(err)
	}
	text := h.log.String()
	if h.events() != "login_failed" || strings.Contains(text, "secret-password") || strings.ContainsAny(strings.TrimSpace(text), "\r\n\x1b") {
		t.Errorf("logged %q", text)
	}
}

func TestCanonicalLogin_vectors(t *testing.T) {
	var v struct {
		Cases []struct {
			Typed  string
			Form   *string  `json:"form_username"`
			Errors []string `json:"form_username_errors"`
		}
	}
	for _, set := range vectorSets {
		v.Cases = nil
		readJSON(t, set+"usernames.json", &v)
		for _, c := range v.Cases {
			got, ok := auth.CanonicalLogin(c.Typed)
			if ok != (c.Form != nil) || c.Form != nil && got != *c.Form {
				t.Errorf("%s%q: got %q, %v; Django's form %v %v", set, c.Typed, got, ok, c.Form, c.Errors)
			}
		}
	}
}

func FuzzCanonicalLogin(f *testing.F) {
	for _, seed := range []string{"alice", " Ångström\u3000", "\ufb01sh", "a\x00b", "\xff", "\x1c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		login, ok := auth.CanonicalLogin(typed)
		if ok && (login == "" || strings.ContainsRune(login, 0)) {
			t.Errorf("%q became %q", typed, login)
		}
	})
}

func BenchmarkPrincipal(b *testing.B) {
	h := build(b, nil)
	key := h.put(b, h.loggedIn(1))
	user, err := h.directory.User(background, "1")
	if err != nil {
		b.Fatal(err)
	}
	for name, directory := range map[string]auth.Directory{"memory": inMemory{user}, "sqlite": h.directory} {
		b.Run(name, func(b *testing.B) {
			service := auth.NewService(auth.Options{Directory: directory, Keys: signing.Keys{Secret: h.fixture.SecretKey}})
			session := h.open(b, key)
			b.ReportAllocs()
			for b.Loop() {
				if p, err := service.Principal(background, session); err != nil || p.Anonymous() {
					b.Fatal(p, err)
				}
			}
		})
	}
}

type inMemory struct{ user auth.User }

func (m inMemory) User(context.Context, string) (auth.User, error) { return m.user, nil }
