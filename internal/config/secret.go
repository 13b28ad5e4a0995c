package config

import (
	"crypto/subtle"
	"fmt"
	"log/slog"
)

const masked = "<secret>"

// Secret is a value that prints as <secret> in every verb, log, JSON and YAML (ASVS 13.3.1). The zero Secret is "not given"
// and prints as nothing. The text sits behind a pointer, so that fmt cannot reach it through unexported fields either.
type Secret struct {
	text *string
}

// NewSecret hides text; the empty text is the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty reports whether no secret was given.
func (s Secret) Empty() bool { return s.text == nil }

// Equal compares in constant time, given equal lengths.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String is the mask.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return masked
}

// Format writes the mask, whatever the verb and its flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is the mask; encoding/json and yaml use it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is the mask.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue is the mask, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
