package password

import (
	"fmt"
	"strings"

	goargon2 "github.com/go-crypt/crypt/algorithm/argon2"
	"golang.org/x/crypto/argon2"
)

// Limits of argon2 (ASVS 11.4.2); memory in KiB.
const (
	maxArgonMemory  = 256 << 10
	maxArgonTime    = 16
	maxArgonWork    = 1 << 20 // memory × time: three seconds
	maxArgonThreads = 64
	maxArgonHash    = 128 // bytes
)

// Argon2Params are the work factors of new argon2id hashes; zero fields mean Django's (Argon2PasswordHasher): 2, 102400, 8, and 32
// bytes, which is what argon2-cffi makes since 21.2.
type Argon2Params struct {
	Time       int
	Memory     int // KiB
	Threads    int
	HashLength int // bytes
}

// argon2Format is the PHC string behind a prefix: "argon2" is Django's, "" everybody else's.
type argon2Format struct {
	algorithm string
	prefix    string
	params    Argon2Params
}

// NewArgon2 is Django's Argon2PasswordHasher.
func NewArgon2(p Argon2Params) Hasher { return newArgon2("argon2", "argon2", p) }

// NewBareArgon2 reads and writes plain PHC strings, as PHP's and most other libraries do.
func NewBareArgon2(p Argon2Params) Hasher { return newArgon2("phc_argon2", "", p) }

func newArgon2(algorithm, prefix string, p Argon2Params) argon2Format {
	orDefault := func(n, normal, low, high int) int {
		if n <= 0 {
			n = normal
		}
		return min(max(n, low), high)
	}
	p.Time = orDefault(p.Time, 2, 1, maxArgonTime)
	p.Threads = orDefault(p.Threads, 8, 1, maxArgonThreads)
	p.Memory = orDefault(p.Memory, 102400, 8*p.Threads, min(maxArgonMemory, maxArgonWork/p.Time))
	p.HashLength = orDefault(p.HashLength, 32, 16, maxArgonHash)
	return argon2Format{algorithm, prefix, p}
}

// argon2Hash is a parsed PHC string.
type argon2Hash struct {
	Argon2Params
	variant string // argon2i, argon2d, argon2id
	salt    []byte
	hash    []byte
}

func (f argon2Format) Algorithm() string { return f.algorithm }

func (f argon2Format) Recognizes(encoded string) bool {
	if f.prefix == "" {
		return strings.HasPrefix(encoded, "$argon2")
	}
	return strings.HasPrefix(encoded, f.prefix+"$")
}

// Encode takes the salt's text for the salt's bytes, as Django does.
func (f argon2Format) Encode(password string) (string, error) {
	salt := []byte(newSalt())
	p := f.params
	return fmt.Sprintf("%s$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", f.prefix, argon2.Version, p.Memory, p.Time, p.Threads,
		b64.EncodeToString(salt), b64.EncodeToString(idKey(password, salt, p))), nil
}

func (f argon2Format) Verify(password, encoded string) (bool, error) {
	h, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	switch h.variant {
	case "argon2i":
		return equal(h.hash, argon2.Key([]byte(password), h.salt, uint32(h.Time), uint32(h.Memory), uint8(h.Threads), uint32(len(h.hash)))), nil
	case "argon2d":
		return argon2dMatches(f.algorithm, password, strings.TrimPrefix(encoded, f.prefix))
	}
	return equal(h.hash, idKey(password, h.salt, h.Argon2Params)), nil
}

// Outdated follows must_update: any parameter that differs, or a salt under 128 bits.
func (f argon2Format) Outdated(encoded string) bool {
	h, err := f.parse(encoded)
	return err != nil || h.variant != "argon2id" || h.Argon2Params != f.params || len(h.salt) < f.minSalt()
}

// minSalt: Django's salt is text of 22 characters; elsewhere 16 bytes are the 128 bits.
func (f argon2Format) minSalt() int {
	if f.prefix == "" {
		return 16
	}
	return saltLength
}

// Harden goes beyond Django, whose argon2 does nothing here: the missing share of passes × memory.
func (f argon2Format) Harden(password, encoded string) {
	h, err := f.parse(encoded)
	if err != nil {
		return
	}
	if done := float64(h.Time*h.Memory) / float64(f.params.Time*f.params.Memory); done < 1 {
		f.Work(password, 1-done)
	}
}

func (f argon2Format) Work(password string, share float64) {
	p := f.params
	p.Memory = max(8*p.Threads, int(share*float64(p.Memory)))
	idKey(password, []byte(saltAlphabet[:saltLength]), p)
}

func (f argon2Format) Memory(encoded string) int64 {
	if h, err := f.parse(encoded); err == nil {
		return int64(h.Memory) << 10
	}
	return int64(f.params.Memory) << 10
}

func (f argon2Format) parse(encoded string) (argon2Hash, error) {
	parts := strings.Split(strings.TrimPrefix(encoded, f.prefix), "$")
	if !strings.HasPrefix(encoded, f.prefix) || len(parts) != 6 || parts[0] != "" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return argon2Hash{}, malformed(f.algorithm, "not of the form $argon2id$v=19$m=…,t=…,p=…$SALT$HASH")
	}
	h := argon2Hash{variant: parts[1]}
	if h.variant != "argon2id" && h.variant != "argon2i" && h.variant != "argon2d" {
		return argon2Hash{}, malformed(f.algorithm, "unknown variant")
	}
	if err := h.parseCosts(f.algorithm, parts[3]); err != nil {
		return argon2Hash{}, err
	}
	var errSalt, errHash error
	h.salt, errSalt = b64.DecodeString(parts[4])
	h.hash, errHash = b64.DecodeString(parts[5])
	// Lower bounds are libargon2's ARGON2_MIN_SALT_LENGTH and ARGON2_MIN_OUTLEN.
	if errSalt != nil || errHash != nil || len(h.salt) < 8 || len(h.salt) > maxSalt || len(h.hash) < 4 || len(h.hash) > maxArgonHash {
		return argon2Hash{}, malformed(f.algorithm, "bad salt or hash")
	}
	h.HashLength = len(h.hash)
	return h, nil
}

// parseCosts reads "m=102400,t=2,p=8"; the PHC format fixes the order.
func (h *argon2Hash) parseCosts(algorithm, text string) error {
	costs, err := phcCosts(algorithm, text, []phcCost{{"m", 8, maxArgonMemory}, {"t", 1, maxArgonTime}, {"p", 1, maxArgonThreads}})
	if err != nil {
		return err
	}
	h.Memory, h.Time, h.Threads = costs[0], costs[1], costs[2]
	switch {
	case h.Memory < 8*h.Threads:
		return malformed(algorithm, "memory is too low")
	case h.Memory*h.Time > maxArgonWork:
		return tooCostly(algorithm, "memory × time", maxArgonWork)
	}
	return nil
}

func idKey(password string, salt []byte, p Argon2Params) []byte {
	return argon2.IDKey([]byte(password), salt, uint32(p.Time), uint32(p.Memory), uint8(p.Threads), uint32(p.HashLength))
}

// argon2dMatches asks go-crypt: x/crypto has no argon2d. phc has been parsed and bounded.
func argon2dMatches(algorithm, password, phc string) (bool, error) {
	digest, err := goargon2.DecodeVariant(goargon2.VariantD)(phc)
	if err != nil {
		return false, malformed(algorithm, "broken argon2d")
	}
	return digest.Match(password), nil
}
