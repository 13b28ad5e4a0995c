package sessionstore_test

import (
	"strings"
	"testing"

	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

func TestNewKey_7_2_2(t *testing.T) {
	var counts [256]int
	const rounds = 20000
	for range rounds {
		key := sessionstore.NewKey()
		if len(key) != 32 || !sessionstore.ValidKey(key) {
			t.Fatalf("NewKey() = %q, want 32 characters of a-z0-9", key)
		}
		for _, c := range []byte(key) {
			counts[c]++
		}
	}
	// With bytes taken modulo 36, four characters would come 8/7 as often as the others; six standard deviations are 4 %.
	const mean = rounds * 32 / 36.0
	for c, n := range counts {
		if n > 0 && (float64(n) < 0.95*mean || float64(n) > 1.05*mean) {
			t.Errorf("character %q came %d times, want about %.0f", rune(c), n, mean)
		}
	}
}

// grammar is a store whose keys are its own affair.
type grammar struct{ *storetest.Memory }

func (grammar) ValidKey(key string) bool { return strings.HasPrefix(key, "e30:") }

func TestValidKey_1_3_9(t *testing.T) {
	tests := map[string]bool{
		"":                                false,
		"1":                               false,
		"1234567":                         false,
		"12345678":                        true,
		strings.Repeat("a", 32):           true,
		strings.Repeat("a", 40):           true,
		strings.Repeat("a", 41):           false,
		strings.Repeat("a", 10000):        false,
		strings.Repeat("A", 32):           false,
		"../../../etc/passwd":             false,
		"abcdefg\x00":                     false,
		"abcdefgh\n":                      false,
		"abcdefgé":                        false,
		"abcd efgh":                       false,
		"abcdefg'--":                      false,
		"%00%00%00%00":                    false,
		"e30:1r31eq:nCHNPEHpXSQfd8xK2hWW": false,
	}
	sessions := sessionstore.New(storetest.NewMemory(fixed(noon)), sessionstore.Settings{}, fixed(noon))
	for key, want := range tests {
		if got := sessions.ValidKey(key); got != want {
			t.Errorf("ValidKey(%.50q) = %v, want %v", key, got, want)
		}
	}
	sessions = sessionstore.New(grammar{storetest.NewMemory(fixed(noon))}, sessionstore.Settings{}, fixed(noon))
	if !sessions.ValidKey("e30:x") || sessions.ValidKey("12345678") || sessions.ValidKey("") {
		t.Error("ValidKey does not ask the store's own grammar")
	}
}

// Whatever Django takes from a cookie, we take only what Django makes; the vectors' keys have no record.
func TestKeyVectors(t *testing.T) {
	for _, set := range vectorSets {
		var vectors struct {
			Alphabet string `json:"generated_alphabet"`
			Length   []int  `json:"generated_length"`
			Examples []string
			Cases    []struct {
				Key      string
				Accepted bool    `json:"accepted_by_constructor"`
				FileName *string `json:"file_name"`
			}
		}
		readVectors(t, set, "session_keys.json", &vectors)
		if len(sessionstore.NewKey()) != vectors.Length[0] || vectors.Alphabet != "0123456789abcdefghijklmnopqrstuvwxyz" {
			t.Errorf("%s: Django's keys are %v of %s", set, vectors.Length, vectors.Alphabet)
		}
		for _, key := range vectors.Examples {
			if !sessionstore.ValidKey(key) {
				t.Errorf("%s: ValidKey(%q) = false, but Django made it", set, key)
			}
		}
		for _, c := range vectors.Cases {
			want := c.Accepted && c.FileName != nil && len(c.Key) <= 40 // the file engine's alphabet, the column's width
			if got := sessionstore.ValidKey(c.Key); got != want {
				t.Errorf("%s: ValidKey(%.50q) = %v, want %v", set, c.Key, got, want)
			}
		}
	}
}

func TestKeyHash_16_2_5(t *testing.T) {
	key := strings.Repeat("k", 32)
	if got, want := sessionstore.KeyHash(key), sessionstore.KeyDigest(key)[:12]; got != want || len(got) != 12 {
		t.Errorf("KeyHash = %q, want the first 12 of %q", got, want)
	}
	if sessionstore.KeyHash(key) == sessionstore.KeyHash(key+"k") {
		t.Error("two keys, one hash")
	}
	if got := sessionstore.KeyHash(""); got != "" {
		t.Errorf("KeyHash of no key = %q, want none", got)
	}
}

func BenchmarkNewKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		sessionstore.NewKey()
	}
}
