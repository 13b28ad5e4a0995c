package doctor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
	"coatcheck/internal/config"
	"coatcheck/internal/doctor"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
)

const secret = "a secret key of the doctor's tests that is long enough"

// load reads a configuration, to which ports of the system's choice and a secret key are added.
func load(t testing.TB, yaml string) config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Path: path, Environ: []string{
		"COATCHECK_LISTEN=127.0.0.1:0", "COATCHECK_ADMIN_LISTEN=127.0.0.1:0", "COATCHECK_DATA_DIR=" + t.TempDir(), "COATCHECK_SECRET_KEY=" + secret}})
	if err != nil {
		t.Fatalf("load %s: %v", yaml, err)
	}
	return cfg
}

// admit makes a patient of a configuration without anything around it.
func admit(t testing.TB, yaml string) *doctor.Patient {
	t.Helper()
	cfg := load(t, yaml)
	return &doctor.Patient{Config: cfg, Keys: signing.Keys{Secret: secret}, Now: time.Now,
		Foreign: func(tables []string) bool { return slices.Contains(tables, "wp_posts") },
		Running: func(context.Context) bool { return false }}
}

// withDatabase gives the patient the database at url, which may be empty.
func withDatabase(t testing.TB, p *doctor.Patient, url string) *doctor.Patient {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{TimeZone: p.Config.Database.Location()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	p.Database, p.UserDatabase = db, db
	if p.Formats, err = password.FromNames(p.Config.Users.PasswordFormats); err != nil {
		t.Fatal(err)
	}
	u := p.Config.Users
	p.Users, err = userdb.Open(db, userdb.Options{Table: u.Table, Columns: userdb.Columns(u.Columns), Registry: p.Formats})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// withTables makes Django's tables in the patient's database.
func withTables(t testing.TB, p *doctor.Patient) *doctor.Patient {
	t.Helper()
	store := dbstore.New(p.Database, codec.NewSigned(p.Keys, p.Now), dbstore.Options{})
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Users.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

func withCache(t testing.TB, p *doctor.Patient, url string) *doctor.Patient {
	t.Helper()
	c, err := cache.Open(url, cache.Options{KeyPrefix: p.Config.Cache.KeyPrefix, Version: p.Config.Cache.Version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p.Cache = c
	return p
}

func sqlite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") }

func add(t testing.TB, p *doctor.Patient, name string) {
	t.Helper()
	if _, err := p.Users.Add(t.Context(), userdb.NewUser{Username: name, Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
}

func execute(t testing.TB, p *doctor.Patient, statement string, args ...any) {
	t.Helper()
	if _, err := p.Database.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// expect examines the patient, and holds the findings of one look, but those that are ok, against want: level, key, and a part of what
// was seen, each in one text. Nothing secret may be in any finding.
func expect(t testing.TB, p *doctor.Patient, look string, want ...string) {
	t.Helper()
	var got, all []string
	for _, f := range p.Examine(t.Context()) {
		all = append(all, fmt.Sprintf("%+v", f))
		if f.Check == look && f.Level != doctor.OK {
			got = append(got, fmt.Sprintf("%s %s %s", f.Level, f.Key, f.Seen))
			if f.Advice == "" {
				t.Errorf("no advice: %+v", f)
			}
		}
	}
	text := strings.Join(all, "\n")
	if strings.Contains(text, secret) {
		t.Error("a finding shows the secret key")
	}
	slices.Sort(got)
	slices.Sort(want)
	fits := len(got) == len(want)
	for i := 0; fits && i < len(got); i++ {
		head, part, _ := strings.Cut(want[i], ": ")
		fits = strings.HasPrefix(got[i], head+" ") && strings.Contains(got[i], part)
	}
	if !fits {
		t.Errorf("%s:\ngot  %q\nwant %q\nof\n%s", look, got, want, text)
	}
}
