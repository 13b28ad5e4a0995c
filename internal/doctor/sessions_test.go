package doctor_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/doctor"
	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore/codec"
)

// signed is a session's text as a Django with this key writes it.
func signed(t testing.TB, key string, at time.Time, data string) string {
	t.Helper()
	d, err := pyvalue.ParseJSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := codec.NewSigned(signing.Keys{Secret: key}, func() time.Time { return at }).Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put writes rows of sessions into the patient's table.
func put(t testing.TB, p *doctor.Patient, ends time.Time, texts ...string) {
	t.Helper()
	for _, text := range texts {
		var n int
		if err := p.Database.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM django_session").Scan(&n); err != nil {
			t.Fatal(err)
		}
		execute(t, p, "INSERT INTO django_session (session_key, session_data, expire_date) VALUES (?, ?, ?)", fmt.Sprintf("%032d", n), text, p.Database.Time(ends))
	}
}

func house(t testing.TB, yaml string) *doctor.Patient {
	return withTables(t, withDatabase(t, admit(t, yaml), sqlite(t)))
}

// legacyText is what Django before 3.1 wrote.
func legacyText(key, data string) string {
	mac := hex.EncodeToString(signing.SaltedHMACSHA1("django.contrib.sessionsSessionStore", key, data))
	return base64.StdEncoding.EncodeToString([]byte(mac + ":" + data))
}

func TestSecretKey(t *testing.T) {
	now := time.Now()
	ends := now.Add(336 * time.Hour)
	good := func() string { return signed(t, secret, now, `{"a":1}`) }
	foreign := func() string { return signed(t, "another", now, `{"a":1}`) }
	pickled := signing.NewSigner(codec.StoreSalt, signing.Keys{Secret: secret}).Sign(base64.RawURLEncoding.EncodeToString([]byte("\x80\x04}\x94.")), now)
	for _, c := range []struct {
		name  string
		texts []string
		want  []string
	}{
		{"all fit", []string{good(), good()}, nil},
		{"none fits", []string{foreign(), foreign()}, []string{"problem secret_key: 2 of 2 sessions"}},
		{"some fit", []string{good(), foreign()}, []string{"warning secret_key_fallbacks: 1 of 2 sessions"}},
		{"before Django 3.1", []string{legacyText(secret, `{"a":1}`)}, []string{"warning session.engine: before 3.1, which is not read"}},
		{"before Django 3.1, another key", []string{legacyText("another", `{"a":1}`)}, []string{"problem secret_key: 1 of 1"}},
		{"pickle", []string{pickled}, []string{"problem session.engine: something else than JSON"}},
		{"rubbish", []string{"x", "", "a:b:c"}, []string{"problem secret_key: 3 of 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := house(t, "")
			put(t, p, ends, c.texts...)
			expect(t, p, "sessions", c.want...)
		})
	}
	t.Run("fallback", func(t *testing.T) {
		p := house(t, "")
		p.Keys.Fallbacks = []string{"another"}
		put(t, p, ends, good(), foreign())
		expect(t, p, "sessions")
	})
	t.Run("a key made by itself", func(t *testing.T) {
		p := house(t, "")
		p.KeyFile = "secret_key"
		put(t, p, ends, foreign())
		expect(t, p, "sessions", "problem secret_key: made by itself")
	})
	t.Run("long gone", func(t *testing.T) {
		p := house(t, "")
		put(t, p, now.Add(-30*24*time.Hour), foreign())
		expect(t, p, "sessions")
	})
	t.Run("files", func(t *testing.T) {
		p := admit(t, "session: {engine: file}")
		p.SessionDir = t.TempDir()
		for i, text := range []string{good(), foreign()} {
			if err := os.WriteFile(filepath.Join(p.SessionDir, fmt.Sprintf("sessionid%032d", i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, p, "sessions", "warning secret_key_fallbacks: 1 of 2")
	})
}

func TestTimeZone(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	age := 336 * time.Hour
	for _, c := range []struct {
		name string
		off  time.Duration
		want []string
	}{
		{"the same zone", 0, nil},
		{"ahead of UTC", 2 * time.Hour, []string{"problem database.time_zone: 2h0m0s later"}},
		{"behind", -5*time.Hour - 30*time.Minute, []string{"problem database.time_zone: 5h30m0s earlier"}},
		{"another lifetime", -age + time.Hour*24, []string{"warning session.cookie_age: to last 24h0m0s, not 336h0m0s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := house(t, "")
			put(t, p, now.Add(age+c.off), signed(t, secret, now, `{}`), signed(t, secret, now, `{"_session_expiry":0}`))
			expect(t, p, "session_dates", c.want...)
		})
	}
	t.Run("lifetimes of their own", func(t *testing.T) {
		p := house(t, "")
		put(t, p, now.Add(time.Hour), signed(t, secret, now, `{"_session_expiry":3600}`))
		put(t, p, now.Add(age), signed(t, secret, now, `{}`))
		expect(t, p, "session_dates")
	})
}

func TestHolders(t *testing.T) {
	now := time.Now()
	session := func(t *testing.T, p *doctor.Patient, key, id, backend string) {
		hash := ""
		if user, err := p.Users.User(t.Context(), id); err == nil {
			hash = hex.EncodeToString(signing.SaltedHMAC("django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash", key, user.Password))
		}
		put(t, p, now.Add(336*time.Hour), signed(t, secret, now, fmt.Sprintf(`{"_auth_user_id":%q,"_auth_user_backend":%q,"_auth_user_hash":%q}`, id, backend, hash)))
	}
	for _, c := range []struct {
		name string
		put  func(t *testing.T, p *doctor.Patient)
		want []string
	}{
		{"fits", func(t *testing.T, p *doctor.Patient) { session(t, p, secret, "1", auth.DefaultBackend) }, nil},
		{"nobody's fits", func(t *testing.T, p *doctor.Patient) { session(t, p, "another", "1", auth.DefaultBackend) }, []string{"problem secret_key: fits none of 1 users"}},
		{"some are older than a password", func(t *testing.T, p *doctor.Patient) {
			session(t, p, "another", "1", auth.DefaultBackend)
			session(t, p, secret, "1", auth.DefaultBackend)
		}, nil},
		{"users of another table", func(t *testing.T, p *doctor.Patient) { session(t, p, secret, "77", auth.DefaultBackend) }, []string{"problem users.table: none of the 1 users"}},
		{"another backend", func(t *testing.T, p *doctor.Patient) { session(t, p, secret, "1", "ldap.Backend") }, []string{"warning users.backends: ldap.Backend"}},
		{"a backend that is named", func(t *testing.T, p *doctor.Patient) {
			p.Config.Users.Backends = []string{"ldap.Backend"}
			session(t, p, secret, "1", "ldap.Backend")
		}, nil},
		{"hash of an old Django", func(t *testing.T, p *doctor.Patient) {
			put(t, p, now.Add(336*time.Hour), signed(t, secret, now, fmt.Sprintf(`{"_auth_user_id":"1","_auth_user_backend":%q,"_auth_user_hash":"%040d"}`, auth.DefaultBackend, 1)))
		}, []string{"warning users.table: before 3.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := house(t, "")
			add(t, p, "alice")
			c.put(t, p)
			expect(t, p, "session_users", c.want...)
		})
	}
}

func TestEngines(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := house(t, "session: {engine: file}")
	p.SessionDir = filepath.Join(p.Config.DataDir)
	expect(t, p, "engine")
	put(t, p, time.Now().Add(time.Hour), signed(t, secret, time.Now(), `{}`))
	p = again(p)
	expect(t, p, "engine", "warning session.engine: the table django_session holds live sessions")

	p = house(t, "")
	name := filepath.Join(os.TempDir(), fmt.Sprintf("sessionid%032d", 1))
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, p, "engine", "warning session.engine: session files")
	p = admit(t, "session: {engine: file}")
	p.SessionDir = t.TempDir()
	expect(t, p, "engine", "warning session.file_path: but some in")
}

// again is the patient as a next examination sees it.
func again(p *doctor.Patient) *doctor.Patient {
	return &doctor.Patient{Config: p.Config, Keys: p.Keys, KeyFile: p.KeyFile, Database: p.Database, UserDatabase: p.UserDatabase, SessionDir: p.SessionDir,
		Users: p.Users, Formats: p.Formats, Cache: p.Cache, Foreign: p.Foreign, Reach: p.Reach, Running: p.Running, Now: p.Now}
}
