package identity_test

import (
	"encoding/base64"
	"testing"

	"coatcheck/auth"
	"coatcheck/proxy/identity"
)

func TestBasic(t *testing.T) {
	alice := auth.Principal{ID: "7", Username: "alice", Email: "alice@example.com"}
	for _, c := range []struct {
		name  string
		basic identity.Basic
		who   auth.Principal
		want  string // before base64; "" for an error
	}{
		{"literal", identity.Basic{Username: "service", Password: "pw:with:colons"}, alice, "service:pw:with:colons"},
		{"own name", identity.Basic{From: "username", Password: "é"}, alice, "alice:é"},
		{"own address", identity.Basic{From: "email"}, alice, "alice@example.com:"},
		{"own id", identity.Basic{From: "id", Password: "x"}, alice, "7:x"},
		{"name with a colon", identity.Basic{From: "username", Password: "x"}, auth.Principal{ID: "8", Username: "root:"}, ""},
		{"name with a line break", identity.Basic{From: "username"}, auth.Principal{ID: "8", Username: "a\nb"}, ""},
		{"no address", identity.Basic{From: "email"}, auth.Principal{ID: "8", Username: "a"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := identity.NewBasic(c.basic)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if c.want != "" {
				want = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.want))
			}
			if got, err := b.Authorization(c.who); got != want || (err == nil) != (c.want != "") {
				t.Errorf("got %q %v, want %q", got, err, want)
			}
			if got, err := b.Authorization(auth.Principal{}); got != "" || err != nil {
				t.Errorf("anonymous: got %q %v, want nothing", got, err)
			}
		})
	}
}

func TestBasicRefused(t *testing.T) {
	for name, b := range map[string]identity.Basic{
		"no name": {Password: "x"}, "two names": {Username: "a", From: "email"}, "unknown source": {From: "phone"},
		"colon": {Username: "a:b"}, "control character": {Username: "a", Password: "x\x00"},
	} {
		if _, err := identity.NewBasic(b); err == nil {
			t.Errorf("%s: %+v was taken", name, b)
		}
	}
}
