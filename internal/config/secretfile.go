package config

import (
	"errors"
	"fmt"
	"strings"
)

const largestSecret = 64 << 10 // bytes

// ReadSecretFile reads a secret from a file that nobody but its owner may read (ASVS 13.3.2, F27). One line end at the end
// is not part of it. The error tells what to do and names no path.
func ReadSecretFile(path string) (Secret, error) {
	data, info, err := readFile(path, largestSecret)
	if err != nil {
		return Secret{}, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Secret{}, fmt.Errorf("is open to other users (mode %04o): chmod 600 it", info.Mode().Perm())
	}
	if invalidUTF8(data) > 0 || strings.ContainsRune(string(data), 0) {
		return Secret{}, errors.New("is not text; make one with: openssl rand -base64 48")
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if strings.TrimSpace(text) == "" {
		return Secret{}, errors.New("is empty; write the secret into it")
	}
	return NewSecret(text), nil
}

// readTwins replaces every secret whose _file twin is given by what the file holds.
func (l *loading) readTwins() {
	leaves(table(), "", func(key string, f field) {
		if f.kind != kindSecret && f.kind != kindSecrets {
			return
		}
		path := l.viper.GetString(key + "_file")
		if path == "" {
			return
		}
		l.files = append(l.files, path)
		if l.given(key) {
			l.bad(key+"_file", "is given together with %s; keep one of them", key)
			return
		}
		secret, err := ReadSecretFile(path)
		if err != nil {
			l.bad(key+"_file", "%v", err)
			return
		}
		l.setSecret(key, f, secret)
	})
}

// given reports whether a secret holds something, wherever it was written.
func (l *loading) given(key string) bool {
	switch v := l.viper.Get(key).(type) {
	case Secret:
		return !v.Empty()
	case []Secret:
		return len(v) > 0
	}
	return false
}

func (l *loading) setSecret(key string, f field, secret Secret) {
	items := []string{secret.Reveal()}
	if f.kind == kindSecrets {
		items = strings.FieldsFunc(secret.Reveal(), func(r rune) bool { return r == '\n' || r == '\r' })
	}
	for _, text := range items {
		if err := f.checkItem(text); err != nil {
			l.bad(key+"_file", "holds a value that %v", err)
			return
		}
	}
	if f.kind == kindSecrets {
		l.viper.Set(key, f.gather(items))
		return
	}
	l.viper.Set(key, secret)
}
