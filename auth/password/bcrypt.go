package password

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	defaultCost   = 12 // Django's BCryptSHA256PasswordHasher.rounds: a quarter of a second
	maxCost       = 16 // four seconds (ASVS 11.4.2)
	bcryptLength  = 60 // $2b$12$ + 22 characters of salt + 31 of hash
	bcryptBytes   = 72 // bcrypt reads no more of a password
	bcryptFiller  = "abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
	bcryptLetters = itoa64
)

// bcryptFormat is bcrypt behind a prefix: Django's BCryptPasswordHasher and BCryptSHA256PasswordHasher, and the bare hashes of
// PHP, Ruby and everybody else.
type bcryptFormat struct {
	algorithm string
	prefix    string                       // in front of "$2b$…"
	version   string                       // that Encode writes: 2b or 2y
	prepare   func(password string) string // what bcrypt is given instead of the password; nil: the password
	cost      int
}

// NewBCrypt is Django's BCryptPasswordHasher. Bytes after the 72nd do not count, as with Python's bcrypt. Cost 0 means 12.
func NewBCrypt(cost int) Hasher { return newBCrypt("bcrypt", "bcrypt$", "2b", nil, cost) }

// NewBCryptSHA256 is Django's BCryptSHA256PasswordHasher, which has no 72-byte cut. Cost 0 means 12.
func NewBCryptSHA256(cost int) Hasher {
	return newBCrypt("bcrypt_sha256", "bcrypt_sha256$", "2b", sha256Hex, cost)
}

// NewBareBCrypt is bcrypt as Laravel, Devise, PHP and htpasswd store it. It reads $2a$, $2b$ and $2y$ and writes $2y$, which all of
// them read. Cost 0 means 12.
func NewBareBCrypt(cost int) Hasher { return newBCrypt("crypt_bcrypt", "", "2y", nil, cost) }

func newBCrypt(algorithm, prefix, version string, prepare func(string) string, cost int) bcryptFormat {
	if cost <= 0 {
		cost = defaultCost
	}
	return bcryptFormat{algorithm, prefix, version, prepare, min(max(cost, bcrypt.MinCost), maxCost)}
}

func (f bcryptFormat) Algorithm() string { return f.algorithm }

func (f bcryptFormat) Recognizes(encoded string) bool {
	rest, ok := strings.CutPrefix(encoded, f.prefix)
	return ok && (f.prefix != "" || isBCrypt(rest))
}

func (f bcryptFormat) Encode(password string) (string, error) {
	secret := f.secret(password)
	if strings.Contains(secret, "\x00") {
		return "", malformed(f.algorithm, "passwords with NUL cannot be stored in it")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(secret), f.cost)
	if err != nil {
		return "", fmt.Errorf("encode password with %s: %w", f.algorithm, err)
	}
	return f.prefix + "$" + f.version + string(hash[3:]), nil // it writes $2a$; the three versions differ for no password
}

func (f bcryptFormat) Verify(password, encoded string) (bool, error) {
	hash, _, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	return bcryptMatches(hash, f.secret(password)), nil
}

func (f bcryptFormat) Outdated(encoded string) bool {
	_, cost, err := f.parse(encoded)
	return err != nil || cost != f.cost
}

// Harden does 2^cost - 2^stored rounds, as harden_runtime does with that many small hashes: here one hash of each cost between.
func (f bcryptFormat) Harden(password, encoded string) {
	_, cost, err := f.parse(encoded)
	if err != nil {
		return
	}
	for ; cost < f.cost; cost++ {
		f.run(password, cost)
	}
}

// Work does share of 2^cost rounds as the sum of the powers of two in that number.
func (f bcryptFormat) Work(password string, share float64) {
	rounds := uint(share * float64(uint(1)<<f.cost))
	for cost := bcrypt.MinCost; cost <= f.cost; cost++ {
		if rounds&(1<<cost) != 0 {
			f.run(password, cost)
		}
	}
}

func (f bcryptFormat) run(password string, cost int) {
	bcryptMatches(fmt.Sprintf("$2b$%02d$%s", cost, bcryptFiller), strings.ReplaceAll(f.secret(password), "\x00", "0"))
}

// secret is what bcrypt hashes: at most 72 bytes, cut without a word as Python's bcrypt 3 and PHP do.
func (f bcryptFormat) secret(password string) string {
	if f.prepare != nil {
		password = f.prepare(password)
	}
	return password[:min(len(password), bcryptBytes)]
}

func (f bcryptFormat) parse(encoded string) (hash string, cost int, err error) {
	hash, ok := strings.CutPrefix(encoded, f.prefix)
	if !ok {
		return "", 0, malformed(f.algorithm, "wrong prefix")
	}
	cost, err = bcryptCost(f.algorithm, hash)
	return hash, cost, err
}

// isBCrypt reports whether hash begins as one of the versions that mean the same. $2x$ is not among them: it is a bug's.
func isBCrypt(hash string) bool {
	return len(hash) > 3 && hash[:2] == "$2" && strings.IndexByte("aby", hash[2]) >= 0 && hash[3] == '$'
}

// bcryptCost checks the whole shape of hash, so that no other code has to.
func bcryptCost(algorithm, hash string) (int, error) {
	if len(hash) != bcryptLength || !isBCrypt(hash) || hash[6] != '$' || !only(hash[7:], bcryptLetters) {
		return 0, malformed(algorithm, "not of the form $2b$COST$…")
	}
	return number(algorithm, "cost", strings.TrimPrefix(hash[4:6], "0"), bcrypt.MinCost, maxCost)
}

// bcryptMatches reports whether secret has hash, which bcryptCost has accepted. A NUL ends a C string: Python refuses such a password,
// and it never matches here (Django answers 500).
func bcryptMatches(hash, secret string) bool {
	if strings.Contains(secret, "\x00") {
		return false
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(secret)) == nil
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
