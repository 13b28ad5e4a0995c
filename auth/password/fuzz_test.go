package password

import (
	"context"
	"testing"
)

// FuzzCheck: whatever the column holds, Check does not panic, and nothing verifies a password that the fuzzer has not got from the
// seeds. Expensive hashes are left out by asking for their memory and cost first, as nobody waits for them here.
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
		if ok, _, err := r.Check(context.Background(), "a password that nobody has", encoded); ok {
			t.Fatalf("Check(%q) = true, %v", encoded, err)
		}
	})
}
