package userdb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
)

func newer() *password.Registry { return password.NewRegistry(password.NewPBKDF2SHA256(2000)) }

func TestCheckPassword_usernames(t *testing.T) {
	d := open(t, fixtureDB(t), userdb.Options{})
	for login, want := range map[string]error{
		"old.iterations":  nil,
		"old．iterations":  nil, // NFKC
		"Old.iterations":  auth.ErrInvalidCredentials,
		"old.iterations ": auth.ErrInvalidCredentials,
	} {
		_, err := d.CheckPassword(background, login, "old-pw")
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", login, err, want)
		}
	}
}

func TestUpgrade_N5(t *testing.T) {
	stored := func(d *userdb.Directory) string {
		account, err := d.Named(background, "old.iterations")
		must(t, err)
		return account.Password
	}
	t.Run("off", func(t *testing.T) {
		d := open(t, fixtureDB(t), userdb.Options{Registry: newer()})
		before := stored(d)
		user, err := d.CheckPassword(background, "old.iterations", "old-pw")
		if err != nil || user.Upgraded || stored(d) != before {
			t.Errorf("upgraded %v, %v", user.Upgraded, err)
		}
	})
	t.Run("on", func(t *testing.T) {
		d := open(t, fixtureDB(t), userdb.Options{Registry: newer(), Upgrade: true})
		user, err := d.CheckPassword(background, "old.iterations", "old-pw")
		if err != nil || !user.Upgraded || stored(d) != user.Password || !strings.HasPrefix(user.Password, "pbkdf2_sha256$2000$") {
			t.Errorf("upgraded %v to %q, stored %q, %v", user.Upgraded, user.Password, stored(d), err)
		}
	})
	t.Run("wrong password never writes", func(t *testing.T) {
		d := open(t, fixtureDB(t), userdb.Options{Registry: newer(), Upgrade: true})
		before := stored(d)
		_, err := d.CheckPassword(background, "old.iterations", "wrong")
		if !errors.Is(err, auth.ErrInvalidCredentials) || stored(d) != before {
			t.Errorf("%v, changed %v", err, stored(d) != before)
		}
	})
}

// meddling changes the table between the check of a password and its upgrade.
type meddling struct {
	*password.Registry
	meddle func()
	once   sync.Once
}

func (m *meddling) Encode(plain string) (string, error) {
	m.once.Do(m.meddle)
	return m.Registry.Encode(plain)
}

// TestUpgrade_race an upgrade does not undo what was changed since the check (ASVS 15.4.2).
func TestUpgrade_race_15_4_2(t *testing.T) {
	const name = "old.iterations"
	cases := []struct {
		name   string
		meddle func(d *userdb.Directory) error
		want   error
	}{
		{"password changed", func(d *userdb.Directory) error { return d.SetPassword(background, name, "another") }, auth.ErrInvalidCredentials},
		{"same password set anew", func(d *userdb.Directory) error { return d.SetPassword(background, name, "old-pw") }, nil},
		{"user deleted", func(d *userdb.Directory) error { return d.Delete(background, name) }, auth.ErrInvalidCredentials},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db := fixtureDB(t)
			other := open(t, db, userdb.Options{})
			m := &meddling{Registry: newer(), meddle: func() { must(t, c.meddle(other)) }}
			user, err := open(t, db, userdb.Options{Registry: m, Upgrade: true}).CheckPassword(background, name, "old-pw")
			if !errors.Is(err, c.want) || user.Upgraded {
				t.Errorf("upgraded %v, %v; want %v", user.Upgraded, err, c.want)
			}
			if err == nil {
				now, err := other.Named(background, name)
				if err != nil || now.Password != user.Password {
					t.Errorf("the session would be made of %q, the table has %q", user.Password, now.Password)
				}
			}
		})
	}
}

// TestReadOnly_13_2_2 a table that cannot be written lets people in with the old format; it says so once.
func TestReadOnly_13_2_2(t *testing.T) {
	db := fixtureDB(t)
	db.SetMaxOpenConns(1)
	exec(t, db, "PRAGMA query_only = ON")
	var log bytes.Buffer
	d := open(t, db, userdb.Options{Registry: newer(), Upgrade: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		user, err := d.CheckPassword(background, "old.iterations", "old-pw")
		if err != nil || user.Upgraded {
			t.Errorf("upgraded %v, %v", user.Upgraded, err)
		}
	}
	if strings.Count(log.String(), "not upgraded") != 1 {
		t.Errorf("logged %q", log.String())
	}
	if err := d.RecordLogin(background, "10", noon); err == nil || !strings.Contains(err.Error(), "grant") {
		t.Errorf("last_login: %v; want what to grant", err)
	}
}

func TestCheckPassword_unknownFormatIsLogged(t *testing.T) {
	var log bytes.Buffer
	d := open(t, fixtureDB(t), userdb.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, name := range []string{"heidi", "grace", "heidi"} { // md5, and Django's unusable password
		if _, err := d.CheckPassword(background, name, "heidi-pw"); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := log.String()
	if strings.Count(text, "password_format_refused") != 1 || !strings.Contains(text, "user=heidi") || strings.Contains(text, "3V3fwbLWEcZONpmtpZv2eK") {
		t.Errorf("logged %q", text)
	}
}

// TestCheckPassword_faults what cannot be asked is never "wrong password".
func TestCheckPassword_faults_16_5(t *testing.T) {
	cancelled, cancel := context.WithCancel(background)
	cancel()
	d := open(t, fixtureDB(t), userdb.Options{})
	if _, err := d.CheckPassword(cancelled, "alice", "x"); err == nil || errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := d.User(cancelled, "1"); err == nil || errors.Is(err, auth.ErrNoUser) {
		t.Errorf("cancelled: %v", err)
	}
	db := fixtureDB(t)
	exec(t, db, "DROP TABLE auth_user_groups")
	if _, err := open(t, db, userdb.Options{}).CheckPassword(background, "old.iterations", "old-pw"); err == nil || errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("groups gone: %v", err)
	}
}
