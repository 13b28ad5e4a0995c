package direct

import (
	"errors"
	"fmt"
	"io"
)

var (
	// ErrInterim is an upstream that sends more interim answers than it may.
	ErrInterim = errors.New("the upstream sends interim answers (1xx) without end")
	// ErrHeaderTimeout is an answer whose header was not there in time. It is a time-out, as a [net.Error] is.
	ErrHeaderTimeout error = timeoutError("the answer did not begin in time")
	// ErrStall is an answer that stopped in the middle. It is a time-out, as a [net.Error] is.
	ErrStall error = timeoutError("the answer stopped in the middle")
)

var (
	errTooLong  = errors.New("more than there may be")
	errStatus   = errors.New("the answer has a status below 100")
	errSwitched = errors.New("the upstream switched protocols without being asked")
)

type timeoutError string

func (e timeoutError) Error() string { return string(e) }

// Timeout and Temporary are for [net.Error].
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return false }

// staleError is a kept connection that ended before the first byte of an answer.
type staleError struct{ err error }

func (e *staleError) Error() string { return fmt.Sprintf("kept connection was closed: %v", e.err) }
func (e *staleError) Unwrap() error { return e.err }

// unexpected: in the middle of something, an end is one too early.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
