// Package password checks and makes password hashes: Django's formats (contrib/auth/hashers.py) and those of legacy user tables.
// Passwords are bytes, taken as they were typed: no trimming, no Unicode normalisation, no truncation but bcrypt's and crypt(3)'s own
// (NIST SP 800-63B 3.1.1.2; Django does the same).
package password

import (
	"errors"
	"fmt"
)

// MaxLength is the longest password that is looked at, in bytes (ASVS 6.2.9). It bounds the work of one hash pass over the password.
const MaxLength = 4096

// maxEncoded bounds what is parsed at all, in bytes; Django's column holds 128, the longest known format stays under 300.
const maxEncoded = 1024

var (
	// ErrUnknownFormat: no accepted format claims the stored value. The value itself is never part of the error: it may be a plain password.
	ErrUnknownFormat = errors.New("unknown password format; list its format in password_formats")
	// ErrUnusable is an [ErrUnknownFormat] that nobody needs to act upon: an empty column, or Django's set_unusable_password ("!…").
	ErrUnusable = &unknownError{"unusable password"}
	// ErrMalformed: the stored value names an accepted format but cannot be one of its hashes.
	ErrMalformed = errors.New("malformed password hash")
	// ErrTooCostly is an [ErrMalformed]: its work factor is above what one login may cost (ASVS 11.4.2). No work was done.
	ErrTooCostly = fmt.Errorf("%w: work factor above the limit", ErrMalformed)
	// ErrBusy: the queue of waiting checks is full; nothing was checked (ASVS 15.2.2).
	ErrBusy = errors.New("too many password checks at once")
	// ErrTooLong: Encode was given more than [MaxLength] bytes.
	ErrTooLong = fmt.Errorf("password longer than %d bytes", MaxLength)
	// ErrReadOnly: the format is only read, never written.
	ErrReadOnly = errors.New("password format is not written; prefer another one")
)

// unknownError is a kind of ErrUnknownFormat with a text of its own.
type unknownError struct{ text string }

func (e *unknownError) Error() string        { return e.text }
func (e *unknownError) Is(target error) bool { return target == ErrUnknownFormat }

// Hasher is one format of stored passwords. Implementations are immutable and safe for concurrent use; they never panic, whatever
// encoded holds, and bound its work factor before they do any work.
type Hasher interface {
	// Algorithm is the format's name in password_formats; for Django's formats the one Django uses.
	Algorithm() string
	// Recognizes reports whether encoded is this format's to judge. It looks at the outside only: Verify may still find it malformed.
	Recognizes(encoded string) bool
	// Encode makes a new hash with a random salt, or returns ErrReadOnly.
	Encode(password string) (string, error)
	// Verify reports whether password matches. An error is an ErrMalformed, and then no work was done.
	Verify(password, encoded string) (bool, error)
	// Outdated reports whether encoded differs from what Encode would make now (Django: must_update).
	Outdated(encoded string) bool
	// Harden does the work that verifying encoded lacks against a hash made by Encode (Django: harden_runtime). It ignores what it
	// cannot parse.
	Harden(password, encoded string)
}

// partial is a Hasher that can do a share (0 to 1) of the work of one Encode.
type partial interface {
	Work(password string, share float64)
}

// memoryUser is a Hasher whose verification takes noticeable memory, in bytes. An encoded of "" asks for that of Encode.
type memoryUser interface {
	Memory(encoded string) int64
}

// readOnly is the part of a Hasher that is the same for all formats which are only read.
type readOnly struct{ algorithm string }

func (f readOnly) Algorithm() string             { return f.algorithm }
func (readOnly) Encode(string) (string, error)   { return "", ErrReadOnly }
func (readOnly) Outdated(string) bool            { return true }
func (readOnly) Harden(password, encoded string) {}

func (f readOnly) malformed(why string) error { return malformed(f.algorithm, why) }
