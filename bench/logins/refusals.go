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
	took, ran := make([][]time.Duration, len(kinds)), make([][]time.Duration, len(kinds))
	for round := range rounds + 3 {
		for i, k := range kinds {
			before := s.cpu()
			res, d, err := s.login(context.Background(), k.user, k.secret)
			if err != nil || res.StatusCode != http.StatusUnauthorized {
				return fmt.Errorf("%s: %v, %w", k.name, res, err)
			}
			if round >= 3 { // the first ones warm up
				took[i] = append(took[i], d)
				ran[i] = append(ran[i], s.cpu()-before)
			}
		}
	}
	fmt.Printf("\n## What a refused login takes, %d of each\n\n| | median | against the first | on a core, median | against the first |\n|---|---|---|---|---|\n", rounds)
	for i, k := range kinds {
		fmt.Printf("| %s | %s | %s |\n", k.name, against(took[i], took[0]), against(ran[i], ran[0]))
	}
	return nil
}

// against writes the median, and how far it is from the other one.
func against(all, others []time.Duration) string {
	slices.Sort(all)
	slices.Sort(others)
	median := float64(at(all, 0.5))
	off := median/float64(at(others, 0.5)) - 1
	return fmt.Sprintf("%.1f ms | %+.1f %% %s", median/1e6, 100*off, met(off < goalSpread && off > -goalSpread))
}
