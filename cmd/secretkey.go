package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
)

// secretKeyChars are those of Django's get_random_secret_key (core/management/utils.py); 50 of them hold 282 bits.
const (
	secretKeyChars  = "abcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*(-_=+)"
	secretKeyLength = 50
)

// makeDataDir makes the data directory for the owner alone.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory (key data_dir): %w", err)
	}
	return nil
}

// ownSecretKey reads the generated secret key in dir, or makes it. A key that others may read is refused (ASVS 13.3.2): it signs every session.
func ownSecretKey(dir string) (string, error) {
	name := filepath.Join(dir, "secret_key")
	for {
		key, err := readSecretKey(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
		if err := createSecretKey(name); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("make secret key: %w", err)
		}
	}
}

func readSecretKey(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", fmt.Errorf("read secret key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("secret key %s can be read by others (mode %#o); run: chmod 600 %s", name, info.Mode().Perm(), name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("read secret key: %w", err)
	}
	key := strings.TrimRight(string(text), "\r\n")
	if key == "" {
		return "", fmt.Errorf("secret key %s is empty; restore it from a backup, or remove it to get a new one (every session ends then)", name)
	}
	return key, nil
}

// createSecretKey writes the key under a temporary name and links it, so that two first starts agree on one and none reads half of it.
func createSecretKey(name string) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".secret_key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(randomText(secretKeyChars, secretKeyLength) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Link(tmp.Name(), name)
}

// randomText returns n characters drawn evenly from chars.
func randomText(chars string, n int) string {
	out := make([]byte, n)
	size := big.NewInt(int64(len(chars)))
	for i := range out {
		k, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic(err) // crypto/rand never fails since Go 1.24
		}
		out[i] = chars[k.Int64()]
	}
	return string(out)
}
