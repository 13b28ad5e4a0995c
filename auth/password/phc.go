package password

import (
	"strconv"
	"strings"
)

// phcCost is one "name=number" of a PHC string's parameters, with its bounds.
type phcCost struct {
	name      string
	low, high int
}

// phcCosts reads "a=1,b=2" in the given order, which the PHC string format fixes, and bounds each number.
func phcCosts(algorithm, text string, want []phcCost) ([]int, error) {
	fields := strings.Split(text, ",")
	if len(fields) != len(want) {
		return nil, malformed(algorithm, "wrong parameters")
	}
	costs := make([]int, len(want))
	for i, w := range want {
		value, ok := strings.CutPrefix(fields[i], w.name+"=")
		if !ok {
			return nil, malformed(algorithm, "wrong parameters")
		}
		n, err := number(algorithm, w.name, value, w.low, w.high)
		if err != nil {
			return nil, err
		}
		costs[i] = n
	}
	return costs, nil
}

// phcPBKDF2 reads $pbkdf2-sha256$ITERATIONS$SALT$KEY as passlib writes it, with "." for "+", and the PHC form with "i=N,l=N". Plain
// $pbkdf2$ is SHA-1.
type phcPBKDF2 struct{ readOnly }

func newPHCPBKDF2() Hasher { return phcPBKDF2{readOnly{"phc_pbkdf2"}} }

func (phcPBKDF2) Recognizes(encoded string) bool {
	return strings.HasPrefix(encoded, "$pbkdf2-") || strings.HasPrefix(encoded, "$pbkdf2$")
}

func (f phcPBKDF2) Verify(password, encoded string) (bool, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 5 {
		return false, f.malformed("not of the form $pbkdf2-sha256$ITERATIONS$SALT$KEY")
	}
	salt, errSalt := b64.DecodeString(strings.ReplaceAll(parts[3], ".", "+"))
	key, errKey := b64.DecodeString(strings.ReplaceAll(parts[4], ".", "+"))
	if errSalt != nil || errKey != nil {
		return false, f.malformed("bad salt or key")
	}
	name := strings.TrimPrefix(parts[1], "pbkdf2-")
	if name == "pbkdf2" {
		name = "sha1"
	}
	iterations, length := phcIterations(parts[2])
	if h := pbkdf2Hash(name); length == "" && h != nil {
		length = strconv.Itoa(h().Size())
	}
	if strconv.Itoa(len(key)) != length {
		return false, f.malformed("key has the wrong length") // a column that cut it would let a shorter key decide
	}
	return pbkdf2Matches(f.algorithm, password, name, iterations, salt, key)
}

// phcIterations reads "1000", "i=1000" or "i=1000,l=32". The PHC form means 32 bytes where it names no length, passlib's the hash's.
func phcIterations(text string) (iterations, length string) {
	rest, ok := strings.CutPrefix(text, "i=")
	if !ok {
		return text, ""
	}
	iterations, length, ok = strings.Cut(rest, ",l=")
	if !ok {
		length = "32"
	}
	return iterations, length
}

// pbkdf2Matches bounds the rounds over all output blocks before it does them.
func pbkdf2Matches(algorithm, password, hashName, iterations string, salt, key []byte) (bool, error) {
	h := pbkdf2Hash(hashName)
	if h == nil || len(key) < 16 || len(salt) > maxSalt {
		return false, malformed(algorithm, "unknown hash, or bad salt or key")
	}
	blocks := (len(key) + h().Size() - 1) / h().Size()
	n, err := number(algorithm, "iterations", iterations, 1, maxIterations/blocks)
	if err != nil {
		return false, err
	}
	return equal(key, pbkdf2Key(h, password, salt, n, len(key))), nil
}

// phcScrypt reads $scrypt$ln=16,r=8,p=1$SALT$KEY, as passlib and the PHC format have it; ln is log2(N).
type phcScrypt struct{ readOnly }

func newPHCScrypt() Hasher { return phcScrypt{readOnly{"phc_scrypt"}} }

func (phcScrypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, "$scrypt$") }

func (f phcScrypt) Verify(password, encoded string) (bool, error) {
	cost, salt, key, err := f.parse(encoded)
	if err != nil {
		return false, err
	}
	computed, err := cost.key(password, salt, len(key))
	if err != nil {
		return false, f.malformed("bad work factors")
	}
	return equal(key, computed), nil
}

func (f phcScrypt) Memory(encoded string) int64 {
	cost, _, _, err := f.parse(encoded)
	if err != nil {
		return 0
	}
	return cost.memory()
}

func (f phcScrypt) parse(encoded string) (cost scryptCost, salt, key []byte, err error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 5 {
		return scryptCost{}, nil, nil, f.malformed("not of the form $scrypt$ln=…,r=…,p=…$SALT$KEY")
	}
	costs, err := phcCosts(f.algorithm, parts[2], []phcCost{{"ln", 1, 21}, {"r", 1, maxScryptBlock}, {"p", 1, maxScryptLanes}})
	if err != nil {
		return scryptCost{}, nil, nil, err
	}
	salt, errSalt := b64.DecodeString(parts[3])
	key, errKey := b64.DecodeString(parts[4])
	if errSalt != nil || errKey != nil || len(salt) > maxSalt || len(key) < 32 || len(key) > 128 {
		return scryptCost{}, nil, nil, f.malformed("bad salt or key")
	}
	cost = scryptCost{1 << costs[0], costs[1], costs[2]}
	return cost, salt, key, cost.check(f.algorithm)
}
