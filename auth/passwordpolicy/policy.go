// Package passwordpolicy holds new passwords against the rules that Django's validators have (contrib/auth/password_validation.py):
// length, likeness to the user's own data, commonness, digits alone.
package passwordpolicy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"coatcheck/auth"
)

// The validators' names.
const (
	Length     = "length"
	Similarity = "similarity"
	Common     = "common"
	Numeric    = "numeric"
)

// DefaultMinLength is Django's, in characters.
const DefaultMinLength = 8

// Policy is some of the validators. Safe for concurrent use.
type Policy struct {
	minLength  int // 0: any
	similarity bool
	numeric    bool
	common     map[string]struct{} // nil: not asked
}

var _ auth.PasswordPolicy = (*Policy)(nil)

// New returns the policy of the validators named. The list of common passwords takes some 2 MiB of memory.
func New(validators []string, minLength int) (*Policy, error) {
	p := &Policy{similarity: slices.Contains(validators, Similarity), numeric: slices.Contains(validators, Numeric)}
	if slices.Contains(validators, Length) {
		p.minLength = minLength
	}
	if slices.Contains(validators, Common) {
		var err error
		if p.common, err = commonPasswords(); err != nil {
			return nil, fmt.Errorf("read common passwords: %w", err)
		}
	}
	return p, nil
}

// Check implements [auth.PasswordPolicy]: all that is wrong, in Django's order (startproject's AUTH_PASSWORD_VALIDATORS).
func (p *Policy) Check(plain string, u auth.User) (faults []auth.PasswordFault) {
	lower := cases.Lower(language.Und).String(plain) // Python's str.lower, final sigma included
	if attribute := similar(lower, u); p.similarity && attribute != "" {
		faults = append(faults, auth.PasswordFault{Name: "similar-" + attribute})
	}
	if utf8.RuneCountInString(plain) < p.minLength {
		faults = append(faults, auth.PasswordFault{Name: "length", N: p.minLength})
	}
	if _, common := p.common[strings.TrimFunc(lower, isSpace)]; common {
		faults = append(faults, auth.PasswordFault{Name: "common"})
	}
	if p.numeric && allDigits(plain) {
		faults = append(faults, auth.PasswordFault{Name: "numeric"})
	}
	return faults
}
