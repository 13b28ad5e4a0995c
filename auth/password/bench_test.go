package password

import (
	"context"
	"testing"
)

// BenchmarkCheck is one check of each format at the work factor that new hashes get.
func BenchmarkCheck(b *testing.B) {
	for _, h := range []Hasher{
		NewPBKDF2SHA256(0), NewPBKDF2SHA1(0), NewArgon2(Argon2Params{}), NewBCryptSHA256(0), NewScrypt(), newDjangoMD5(),
	} {
		b.Run(h.Algorithm(), func(b *testing.B) {
			encoded, err := h.Encode("correct horse")
			if err != nil {
				b.Fatal(err)
			}
			r := NewRegistry(h)
			b.ReportAllocs()
			for b.Loop() {
				if ok, _, err := r.Check(context.Background(), "correct horse", encoded); !ok || err != nil {
					b.Fatalf("Check: %v, %v", ok, err)
				}
			}
		})
	}
}
