package doctor_test

import (
	"testing"

	"coatcheck/internal/doctor"
)

func TestUsers(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(t *testing.T, p *doctor.Patient)
		want []string
	}{
		{"none", func(*testing.T, *doctor.Patient) {}, []string{"warning users.table: no user"}},
		{"well", func(t *testing.T, p *doctor.Patient) { add(t, p, "alice") }, nil},
		{"none active", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			execute(t, p, "UPDATE auth_user SET is_active = 0")
		}, []string{"problem users.columns.active: none of 1 users"}},
		{"no usable password", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			execute(t, p, "UPDATE auth_user SET password = '!x'")
		}, []string{"problem users.columns.password: none of 1 active"}},
		{"a format that is not accepted", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			add(t, p, "bob")
			execute(t, p, "UPDATE auth_user SET password = '$P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/' WHERE username = 'bob'")
		}, []string{"warning users.password_formats: (bob): phpass"}},
		{"a format that nobody knows", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			add(t, p, "bob")
			execute(t, p, "UPDATE auth_user SET password = 'swordfish' WHERE username = 'bob'")
		}, []string{"warning users.columns.password: nor known"}},
		{"capitals", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			add(t, p, "Alice")
		}, []string{"warning users.columns.username: in capitals alone"}},
		{"blanks", func(t *testing.T, p *doctor.Patient) {
			add(t, p, "alice")
			execute(t, p, "UPDATE auth_user SET username = 'alice '")
		}, []string{"warning users.columns.username: blanks"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := house(t, "")
			c.put(t, p)
			expect(t, p, "users", c.want...)
		})
	}
}
