package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// refusals measures logins that are refused for different reasons, one of each in turn, so that what else the machine does hits all alike.
func refusals(binary string, rounds int) error {
	s, err := start(binary, "pbkdf2_sha256", 0)
	if err != nil {
		return err
	}
	defer s.stop()
	kinds := []struct{ name, user, secret, set string }{
		{"known, wrong password", "alice", "wrong", ""},
		{"unknown user", "nobody", "wrong", ""},
		{"disabled, wrong password", "disabled", "wrong", "is_active = 0"},
		{"disabled, right password", "disabled2", password, "is_active = 0"},
		{"no usable password", "unusable", "wrong", "password = '!abcdefghijklmnop'"},
		{"unknown format", "unknown", "wrong", "password = '$zz$abcdefgh'"},
		{"malformed hash", "malformed", "wrong", "password = 'pbkdf2_sha256$x$y$z'"},
		{"pbkdf2 of 1000 rounds", "old", "wrong", "password = 'pbkdf2_sha256$1000$Abcdefghij0123456789K$hodaNnKnL22RTqoXGDQNghodaNnKnL22RTqoXGDQNgA='"},
		{"salted md5", "md5", "wrong", "password = 'md5$3V3fwbLWEcZONpmtpZv2eK$96b3d131ba9d196b3d131ba9d1aabbcc'"},
		{"bcrypt, cost 5", "bcrypt", "wrong", "password = 'bcrypt$$2b$05$B38.jvVi6mobcNL6t4dH/uAhAZb2tW0JZsUjmmyn4g7ybY7QRqgF6'"},
	}
	for _, k := range kinds[2:] {
		if err := s.clone(k.user, k.set); err != nil {
			return err
		}
	}
	took := make([][]time.Duration, len(kinds))
	for round := range rounds + 3 {
		for i, k := range kinds {
			res, d, err := s.login(context.Background(), k.user, k.secret)
			if err != nil || res.StatusCode != http.StatusUnauthorized {
				return fmt.Errorf("%s: %v, %w", k.name, res, err)
			}
			if round >= 3 { // the first ones warm up
				took[i] = append(took[i], d)
			}
		}
	}
	fmt.Printf("\n## What a refused login takes, %d of each\n\n| | median | against the first |\n|---|---|---|\n", rounds)
	var first float64
	for i, k := range kinds {
		slices.Sort(took[i])
		median := float64(at(took[i], 0.5))
		if i == 0 {
			first = median
		}
		off := median/first - 1
		fmt.Printf("| %s | %.1f ms | %+.1f %% %s|\n", k.name, median/1e6, 100*off, met(off < goalSpread && off > -goalSpread))
	}
	return nil
}
