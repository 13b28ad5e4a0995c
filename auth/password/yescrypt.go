package password

import (
	"strings"

	goscrypt "github.com/go-crypt/crypt/algorithm/scrypt"
)

// yescrypt is the newest form of crypt(3): $y$j9T$SALT$HASH, the default of Debian's and Fedora's /etc/shadow. go-crypt knows flags j
// without parallelism, which is what libxcrypt writes.
type yescrypt struct{ readOnly }

func newYescrypt() Hasher { return yescrypt{readOnly{"crypt_yescrypt"}} }

func (yescrypt) Recognizes(encoded string) bool { return strings.HasPrefix(encoded, "$y$") }

func (f yescrypt) Verify(password, encoded string) (bool, error) {
	if _, err := f.memory(encoded); err != nil {
		return false, err
	}
	digest, err := goscrypt.DecodeVariant(goscrypt.VariantYescrypt)(encoded)
	if err != nil {
		return false, f.malformed("not of the form $y$j9T$SALT$HASH")
	}
	return cryptable(password) && digest.Match(password), nil
}

func (f yescrypt) Memory(encoded string) int64 {
	memory, _ := f.memory(encoded)
	return memory
}

// memory checks the whole shape and returns 128·N·r bytes. Cost and block size are one digit each: log2(N)-1 and r-1.
func (f yescrypt) memory(encoded string) (int64, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 5 || len(parts[2]) != 3 || parts[2][0] != 'j' || !only(parts[2]+parts[3]+parts[4], itoa64) ||
		parts[3] == "" || len(parts[3]) > 86 || len(parts[4]) != 43 {
		return 0, f.malformed("not of the form $y$j9T$SALT$HASH")
	}
	logN := strings.IndexByte(itoa64, parts[2][1]) + 1
	r := strings.IndexByte(itoa64, parts[2][2]) + 1
	memory := int64(128*r) << logN
	if logN > 30 || memory > maxScryptMemory {
		return 0, tooCostly(f.algorithm, "memory", maxScryptMemory)
	}
	return memory, nil
}
