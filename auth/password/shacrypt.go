package password

import (
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

const (
	// maxCryptRounds: with the longest password crypt(3) takes, some three seconds.
	maxCryptRounds = 1_000_000
	maxCryptSalt   = 16
)

// shaCrypt is the SHA-2 form of crypt(3): $5$ or $6$, then optionally "rounds=N$", SALT $ HASH (Drepper, SHA-crypt.txt).
type shaCrypt struct {
	readOnly
	magic   string
	variant shacrypt.Variant
	length  int // of the encoded hash
}

func newCryptSHA256() Hasher {
	return shaCrypt{readOnly{"crypt_sha256"}, "$5$", shacrypt.VariantSHA256, 43}
}

func newCryptSHA512() Hasher {
	return shaCrypt{readOnly{"crypt_sha512"}, "$6$", shacrypt.VariantSHA512, 86}
}

func (f shaCrypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, f.magic) }

func (f shaCrypt) Verify(password, encoded string) (bool, error) {
	if err := f.check(encoded); err != nil {
		return false, err
	}
	digest, err := shacrypt.DecodeVariant(f.variant)(encoded)
	if err != nil {
		return false, f.malformed("not of the form SALT$HASH")
	}
	return cryptable(password) && digest.Match(password), nil
}

// check bounds the rounds and leaves nothing odd for go-crypt to read.
func (f shaCrypt) check(encoded string) error {
	rest := strings.TrimPrefix(encoded, f.magic)
	if rounds, ok := strings.CutPrefix(rest, "rounds="); ok {
		rounds, rest, _ = strings.Cut(rounds, "$")
		if _, err := number(f.algorithm, "rounds", rounds, 1000, maxCryptRounds); err != nil {
			return err
		}
	}
	salt, hash, ok := strings.Cut(rest, "$")
	if !ok || len(salt) > maxCryptSalt || len(hash) != f.length || !only(hash, itoa64) {
		return f.malformed("not of the form SALT$HASH")
	}
	return nil
}
