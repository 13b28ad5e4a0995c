// Package stage sets up what benchmark programs run: servers, coatcheck processes pinned to a core, sessions in stores. Only programs under bench
// and their tests import it.
package stage

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
)

// Env is a [testing.TB] outside of tests, so that programs can use the servers of internal/testenv. Not safe for concurrent use.
type Env struct {
	testing.TB // nil: what is not defined below must not be called
	cleanups   []func()
	failed     bool
}

// ErrMissing says that a program is not installed.
var ErrMissing = errors.New("missing")

// failure is how Fatal and Skip come back from a call within [Try].
type failure struct{ err error }

// Close ends every server, the last one first.
func (e *Env) Close() {
	for _, cleanup := range slices.Backward(e.cleanups) {
		cleanup()
	}
	e.cleanups = nil
}

// Try makes an error of what f ends a test by.
func Try[T any](f func() T) (value T, err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case failure:
			err = thrown.err
		default:
			panic(thrown)
		}
	}()
	return f(), nil
}

// Cleanup implements [testing.TB].
func (e *Env) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

// Helper implements [testing.TB].
func (e *Env) Helper() {}

// Failed implements [testing.TB].
func (e *Env) Failed() bool { return e.failed }

// Fatal implements [testing.TB].
func (e *Env) Fatal(args ...any) { e.fail(errors.New(fmt.Sprint(args...))) }

// Fatalf implements [testing.TB].
func (e *Env) Fatalf(format string, args ...any) { e.fail(fmt.Errorf(format, args...)) }

// Skip implements [testing.TB].
func (e *Env) Skip(args ...any) {
	panic(failure{fmt.Errorf("%w: %s", ErrMissing, fmt.Sprint(args...))})
}

// Error implements [testing.TB]. It comes from the end of servers, which does not matter any more.
func (e *Env) Error(args ...any) { fmt.Fprintln(os.Stderr, args...) }

// Errorf implements [testing.TB].
func (e *Env) Errorf(format string, args ...any) { e.Error(fmt.Sprintf(format, args...)) }

// Logf implements [testing.TB].
func (e *Env) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (e *Env) fail(err error) {
	e.failed = true
	panic(failure{err})
}
