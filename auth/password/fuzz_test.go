package password

import (
	"context"
	"regexp"
	"testing"
)

// costly are the inputs that are legal and take long; TestLimits_11_4_2 knows where they end.
var costly = regexp.MustCompile(`[0-9]{5}|\$(0[89]|1[0-6])\$|:bcrypt:(8|9|1[0-6])|ln=(1[2-9]|2)|\$y\$j[A-Za-z]|\$[PH]\$[C-Za-z]`)

// FuzzCheck: whatever the column holds, Check does not panic, refuses what takes too much memory, and matches no password that nobody
// has.
func FuzzCheck(f *testing.F) {
	for _, v := range foreignVectors {
		f.Add(v.encoded)
	}
	for _, v := range readVectors(f, "").Check {
		f.Add(v.Encoded)
	}
	for _, text := range []string{"$y$j//$.$", "$2b$04$", "argon2$argon2id$v=19$m=8,t=1,p=1$", "crypt$$", "{CRYPT}", ":B:", "$P$", "!", "$5$rounds=$$"} {
		f.Add(text)
	}
	hashers := []Hasher{idle{NewPBKDF2SHA256(1).(djangoPBKDF2)}}
	for _, format := range Formats() {
		hashers = append(hashers, format.create())
	}
	r := NewRegistry(hashers[0], hashers...)
	f.Fuzz(func(t *testing.T, encoded string) {
		h, err := r.identify(encoded)
		if err == nil && memoryOf(h, encoded) > maxScryptMemory+maxScryptMemory/32 {
			t.Fatalf("%s: %d bytes of memory for %q", h.Algorithm(), memoryOf(h, encoded), encoded)
		}
		if costly.MatchString(encoded) {
			return
		}
		if ok, _, err := r.Check(context.Background(), "a password that nobody has", encoded); ok {
			t.Fatalf("Check(%q) = true, %v", encoded, err)
		}
	})
}
