package cmd

import (
	"testing"

	"coatcheck/auth/password"
	"coatcheck/internal/config"
)

// TestPasswordFormats every format there is can be named in the configuration, and every name there stands for one.
func TestPasswordFormats(t *testing.T) {
	for _, f := range password.Formats() {
		cfg, err := config.Load(config.Options{Environ: []string{"COATCHECK_USERS_PASSWORD_FORMATS=" + f.Name}})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if _, err := password.FromNames(cfg.Users.PasswordFormats); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
