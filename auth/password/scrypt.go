package password

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Limits of scrypt (ASVS 11.4.2). Memory is 128·r·(N+p) bytes.
const (
	maxScryptMemory = 256 << 20
	maxScryptBlock  = 1024    // r
	maxScryptLanes  = 16      // p
	maxScryptBlocks = 4 << 20 // N·r·p: six times Django's, a second
)

// scryptCost are scrypt's work factors.
type scryptCost struct{ n, r, p int }

// djangoScryptCost is ScryptPasswordHasher's since 5.1; before, p was 1.
var djangoScryptCost = scryptCost{n: 1 << 14, r: 8, p: 5}

const djangoScryptBytes = 64

// djangoScrypt is Django's ScryptPasswordHasher: scrypt$N$SALT$R$P$BASE64.
type djangoScrypt struct{ cost scryptCost }

// NewScrypt is Django's ScryptPasswordHasher with its work factors.
func NewScrypt() Hasher { return djangoScrypt{djangoScryptCost} }

func (djangoScrypt) Algorithm() string              { return "scrypt" }
func (djangoScrypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, "scrypt$") }

func (f djangoScrypt) Encode(password string) (string, error) {
	salt := newSalt()
	key, err := f.cost.key(password, []byte(salt), djangoScryptBytes)
	if err != nil {
		return "", fmt.Errorf("encode password with scrypt: %w", err)
	}
	return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", f.cost.n, salt, f.cost.r, f.cost.p, base64.StdEncoding.EncodeToString(key)), nil
}

func (f djangoScrypt) Verify(password, encoded string) (bool, error) {
	cost, salt, digest, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	key, err := cost.key(password, []byte(salt), djangoScryptBytes)
	if err != nil {
		return false, malformed("scrypt", "bad work factors")
	}
	return equal(digest, base64.StdEncoding.EncodeToString(key)), nil
}

// Outdated follows must_update, which does not look at the salt.
func (f djangoScrypt) Outdated(encoded string) bool {
	cost, _, _, err := f.parse(encoded)
	return err != nil || cost != f.cost
}

// Harden goes beyond Django, whose scrypt does nothing here.
func (f djangoScrypt) Harden(password, encoded string) {
	cost, _, _, err := f.parse(encoded)
	if err != nil {
		return
	}
	if done := float64(cost.blocks()) / float64(f.cost.blocks()); done < 1 {
		f.Work(password, 1-done)
	}
}

// Work does whole lanes first, then the powers of two in what is left.
func (f djangoScrypt) Work(password string, share float64) {
	blocks := int(share * float64(f.cost.n*f.cost.p))
	if lanes := blocks / f.cost.n; lanes > 0 {
		scryptCost{f.cost.n, f.cost.r, lanes}.key(password, []byte(saltAlphabet[:saltLength]), djangoScryptBytes)
	}
	for rest, n := blocks%f.cost.n, f.cost.n/2; n >= f.cost.n/64 && n > 1; n /= 2 {
		if rest&n != 0 {
			scryptCost{n, f.cost.r, 1}.key(password, []byte(saltAlphabet[:saltLength]), djangoScryptBytes)
		}
	}
}

func (f djangoScrypt) Memory(encoded string) int64 {
	if cost, _, _, err := f.parse(encoded); err == nil {
		return cost.memory()
	}
	return f.cost.memory()
}

func (f djangoScrypt) parse(encoded string) (cost scryptCost, salt, digest string, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "scrypt" || parts[2] == "" || len(parts[2]) > maxSalt ||
		len(parts[5]) != base64.StdEncoding.EncodedLen(djangoScryptBytes) {
		return scryptCost{}, "", "", malformed("scrypt", "not of the form N$SALT$R$P$HASH")
	}
	n, err := number("scrypt", "N", parts[1], 2, maxScryptMemory)
	if err != nil {
		return scryptCost{}, "", "", err
	}
	cost, err = newScryptCost("scrypt", n, parts[3], parts[4])
	return cost, parts[2], parts[5], err
}

// newScryptCost reads and bounds the work factors.
func newScryptCost(algorithm string, n int, rText, pText string) (scryptCost, error) {
	r, err := number(algorithm, "r", rText, 1, maxScryptBlock)
	if err != nil {
		return scryptCost{}, err
	}
	p, err := number(algorithm, "p", pText, 1, maxScryptLanes)
	if err != nil {
		return scryptCost{}, err
	}
	cost := scryptCost{n, r, p}
	return cost, cost.check(algorithm)
}

// check bounds what the single numbers do not.
func (c scryptCost) check(algorithm string) error {
	if c.n < 2 || c.n&(c.n-1) != 0 {
		return malformed(algorithm, "N is not a power of two")
	}
	if c.memory() > maxScryptMemory+maxScryptMemory/64 || c.blocks() > maxScryptBlocks {
		return tooCostly(algorithm, "memory or work", maxScryptMemory)
	}
	return nil
}

func (c scryptCost) key(password string, salt []byte, length int) ([]byte, error) {
	return scrypt.Key([]byte(password), salt, c.n, c.r, c.p, length)
}

func (c scryptCost) memory() int64 { return int64(128 * c.r * (c.n + c.p)) }
func (c scryptCost) blocks() int   { return c.n * c.r * c.p }
