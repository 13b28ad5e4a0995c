package userdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
)

func TestAdmin_sqlite(t *testing.T) { testAdmin(t, fresh(t)) }

// testAdmin is the life of a user, on any database.
func testAdmin(t *testing.T, db *sqlconn.DB) {
	d := open(t, db, userdb.Options{})
	must(t, d.CreateTables(background))
	must(t, d.CreateTables(background)) // again changes nothing
	wantCount(t, d, 0)

	added, err := d.Add(background, userdb.NewUser{Username: "Å\u0065\u0301mile", Password: "pässword", Email: "e@example.com",
		FirstName: "Émile", LastName: "Z", Staff: true, Groups: []string{"editors", "admins", "editors"}})
	must(t, err)
	if got, want := summary(added), added.ID+"|Åémile|e@example.com|Émile|Z|admins+editors|as"; got != want || added.ID == "" {
		t.Errorf("added %s, want %s", got, want)
	}
	byID, err := d.User(background, added.ID)
	must(t, err)
	if summary(byID) != summary(added) || !strings.HasPrefix(byID.Password, "pbkdf2_sha256$") {
		t.Errorf("by id %s, %q", summary(byID), byID.Password)
	}
	_, err = d.Add(background, userdb.NewUser{Username: "Åémile", Password: "x"})
	wantError(t, err, userdb.ErrUserExists)
	wantCount(t, d, 1)

	checked, err := d.CheckPassword(background, "Åémile", "pässword")
	must(t, err)
	if summary(checked) != summary(added) {
		t.Errorf("checked %s", summary(checked))
	}
	must(t, d.RecordLogin(background, added.ID, noon))
	must(t, d.SetPassword(background, "Åémile", "new"))
	_, err = d.CheckPassword(background, "Åémile", "pässword")
	wantError(t, err, auth.ErrInvalidCredentials)
	_, err = d.CheckPassword(background, "Åémile", "new")
	must(t, err)

	must(t, d.SetActive(background, "Åémile", false))
	must(t, d.SetStaff(background, "Åémile", false))
	must(t, d.SetSuperuser(background, "Åémile", true))
	must(t, d.AddGroups(background, "Åémile", []string{"zoo", "admins"}))
	must(t, d.RemoveGroups(background, "Åémile", []string{"editors", "not there"}))
	wantAccount(t, d, "|Åémile|e@example.com|Émile|Z|admins+zoo|S")
	must(t, d.SetGroups(background, "Åémile", []string{"editors"}))
	wantAccount(t, d, "|Åémile|e@example.com|Émile|Z|editors|S")
	must(t, d.SetGroups(background, "Åémile", nil))
	wantAccount(t, d, "|Åémile|e@example.com|Émile|Z||S")

	_, err = d.Add(background, userdb.NewUser{Username: "bob", Password: "x", Groups: []string{"zoo"}})
	must(t, err)
	list, err := d.List(background)
	must(t, err)
	names := []string{list[0].Username, list[1].Username}
	if slices.Sort(names); len(list) != 2 || names[0] != "bob" {
		t.Errorf("list %v", names)
	}
	must(t, d.Delete(background, "bob"))
	wantError(t, d.Delete(background, "bob"), auth.ErrNoUser)
	wantCount(t, d, 1)
	wantNames(t, d, added.ID)
}

func wantCount(t *testing.T, d *userdb.Directory, want int64) {
	t.Helper()
	if n, err := d.Count(background); err != nil || n != want {
		t.Errorf("count %d, %v; want %d", n, err, want)
	}
}

func wantAccount(t *testing.T, d *userdb.Directory, want string) {
	t.Helper()
	account, err := d.Named(background, "Åémile")
	must(t, err)
	if got := summary(account.User); got != account.ID+want || !account.LastLogin.Equal(noon) {
		t.Errorf("got %s, last login %v; want %s, %v", got, account.LastLogin, want, noon)
	}
}

func wantError(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// wantNames asks for what is nobody's name or id; id is somebody's.
func wantNames(t *testing.T, d *userdb.Directory, id string) {
	t.Helper()
	for _, name := range []string{"åémile", "ÅÉMILE", "Aemile", "Åémile ", "Åémil", "%", "' OR 1=1 --", strings.Repeat("x", 10_000)} {
		if _, err := d.Named(background, name); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("name %.20q: %v, want no such user", name, err)
		}
		if _, err := d.CheckPassword(background, name, "new"); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("login %.20q: %v, want invalid credentials", name, err)
		}
	}
	for _, wrong := range []string{"", "abc", id + "x", id + ".0", " " + id, "0" + id, "-1", "99999999999999999999999", "2147483648", "9223372036854775808", "\x00", "\xff", "NULL", id + "\n"} {
		if _, err := d.User(background, wrong); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("id %q: %v, want no such user", wrong, err)
		}
	}
}

func TestAdmin_refusals(t *testing.T) {
	d := open(t, fixtureDB(t), userdb.Options{})
	for name, act := range map[string]func() error{
		"blank in a name": func() error { _, err := d.Add(background, userdb.NewUser{Username: "a b", Password: "x"}); return err },
		"no name":         func() error { _, err := d.Add(background, userdb.NewUser{Password: "x"}); return err },
		"long name": func() error {
			_, err := d.Add(background, userdb.NewUser{Username: strings.Repeat("a", 151), Password: "x"})
			return err
		},
		"empty password":   func() error { _, err := d.Add(background, userdb.NewUser{Username: "a"}); return err },
		"huge password":    func() error { return d.SetPassword(background, "alice", strings.Repeat("x", 5000)) },
		"no new password":  func() error { return d.SetPassword(background, "alice", "") },
		"unknown user":     func() error { return d.SetActive(background, "nobody", true) },
		"empty group name": func() error { return d.AddGroups(background, "alice", []string{""}) },
		"own table":        func() error { return open(t, fixtureDB(t), userdb.Options{Table: "people"}).CreateTables(background) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := act(); err == nil {
				t.Error("it was done")
			}
		})
	}
	if n, err := d.Count(background); err != nil || n != 10 {
		t.Errorf("count %d, %v", n, err)
	}
	groups, err := d.User(background, "1")
	if err != nil || len(groups.Groups) != 2 {
		t.Errorf("a refused change of groups left %v, %v", groups.Groups, err)
	}
}
