package userdb_test

import (
	"errors"
	"testing"

	"coatcheck/auth"
	"coatcheck/auth/userdb"
)

// Passwords can be changed where the database lets us: not in a view, not by a query, not in a file that is only read.
func TestMayReplace_13_2_2(t *testing.T) {
	ask := func(name string, d *userdb.Directory, want bool) {
		t.Helper()
		if may, err := d.MayReplace(background); may != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, may, err, want)
		}
	}
	db := fixtureDB(t)
	ask("Django's table", open(t, db, userdb.Options{}), true)
	exec(t, db, "CREATE VIEW people AS SELECT * FROM auth_user;\n")
	ask("a view", open(t, db, userdb.Options{Table: "people"}), false)
	ask("a query", open(t, db, userdb.Options{Query: "SELECT username, password FROM auth_user WHERE username = :login"}), false)
	if _, err := open(t, fresh(t), userdb.Options{}).MayReplace(background); err == nil {
		t.Error("a table that is missing is no answer")
	}
}

func TestReplacePassword_15_4_1(t *testing.T) {
	d := open(t, fixtureDB(t), userdb.Options{})
	user, err := d.Login(background, "old.iterations")
	must(t, err)
	changed, err := d.ReplacePassword(background, user, "ein neues Wort")
	must(t, err)
	if changed.Password == user.Password {
		t.Error("the user has the old hash")
	}
	if _, err := d.CheckPassword(background, "old.iterations", "ein neues Wort"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := d.ReplacePassword(background, user, "noch eins"); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("over a password that another change has replaced: %v", err)
	}
}
