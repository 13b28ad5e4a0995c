package pyvalue

import (
	"errors"
	"fmt"
	"math"
)

// The limits of session data, for reading and for writing alike, so that nothing is written that could not be read back.
// They hold a hostile record to 10 ms and 4 MiB; ordinary sessions stay a hundred times below them.
const (
	MaxSize   = 1 << 20 // bytes of JSON text or of a pickle; also memcached's usual limit for one item
	MaxDepth  = 32      // containers inside one another, the session's own dict included
	MaxValues = 1 << 15 // keys and values, an Opaque as five, slow numbers as more; what several references reach, each time
	// MaxIntDigits is Python's own limit (sys.set_int_max_str_digits): beyond it json.loads and json.dumps raise.
	MaxIntDigits = 4300
)

// Reasons why session data is refused; the errors of this package wrap one of them and never hold the data itself.
var (
	ErrMalformed = errors.New("malformed session data")
	ErrNotDict   = errors.New("session data is not a dict")
	ErrLimit     = errors.New("session data is beyond a limit")
	// ErrForbidden: a pickle asks for more than plain data (an import, a call), as an attack would.
	ErrForbidden = errors.New("pickle asks for more than plain data")
	// ErrKind: a value cannot be written in this format.
	ErrKind = errors.New("session data holds a value of the wrong kind")
)

var (
	errTooDeep  = fmt.Errorf("%w: nested deeper than %d", ErrLimit, MaxDepth)
	errTooMany  = fmt.Errorf("%w: more than %d values", ErrLimit, MaxValues)
	errTooLarge = fmt.Errorf("%w: larger than %d bytes", ErrLimit, MaxSize)
	errLongInt  = fmt.Errorf("%w: integer of more than %d digits", ErrLimit, MaxIntDigits)
)

// verify holds the whole tree under d to the limits. It needs no table of what it has seen: a cycle ends at the depth
// limit, references to references (the "billion laughs") at the count.
func verify(d *Dict) error {
	left := MaxValues
	return verifyValue(d, 0, &left)
}

func verifyValue(v Value, depth int, left *int) error {
	if *left--; *left < 0 {
		return errTooMany
	}
	switch v := v.(type) {
	case None, Bool, Str, Bytes:
		return nil
	case Int, Float:
		return spend(v, left)
	case Tuple:
		return verifyAll(v, depth+1, left)
	case *List:
		return verifyAll(v.Items, depth+1, left)
	case *Set:
		return verifySet(v, depth+1, left)
	case *Dict:
		return verifyDict(v, depth+1, left)
	case *Opaque:
		return verifyOpaque(v, depth+1, left)
	}
	if _, ok := v.(class); ok {
		return fmt.Errorf("%w: a class as data", ErrForbidden)
	}
	return fmt.Errorf("%w: %s", ErrKind, kindOf(v))
}

// spend counts a number that takes microseconds to read, where others take nanoseconds, as the many values it costs:
// floats near zero (strconv has no fast way), and long integers.
func spend(v Value, left *int) error {
	switch v := v.(type) {
	case Float:
		if v != 0 && math.Abs(float64(v)) < 0x1p-1021 {
			*left -= 100
		}
	case Int:
		if v.big != nil {
			*left -= v.big.BitLen() / 50
		}
	}
	if *left < 0 {
		return errTooMany
	}
	return nil
}

func verifyAll(items []Value, depth int, left *int) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	for _, item := range items {
		if err := verifyValue(item, depth, left); err != nil {
			return err
		}
	}
	return nil
}

func verifySet(s *Set, depth int, left *int) error {
	for _, item := range s.Items {
		if !hashable(item) {
			return fmt.Errorf("%w: %s in a set", ErrKind, kindOf(item))
		}
	}
	return verifyAll(s.Items, depth, left)
}

func verifyDict(d *Dict, depth int, left *int) error {
	if depth > MaxDepth {
		return errTooDeep
	}
	for _, e := range d.entries {
		if !hashable(e.Key) {
			return fmt.Errorf("%w: %s as a key", ErrKind, kindOf(e.Key))
		}
		if err := verifyValue(e.Key, depth, left); err != nil {
			return err
		}
		if err := verifyValue(e.Value, depth, left); err != nil {
			return err
		}
	}
	return nil
}

func verifyOpaque(o *Opaque, depth int, left *int) error {
	if err := checkOpaque(o); err != nil {
		return err
	}
	*left -= 4 // module, name, class and arguments, as the reader of its pickle counts
	if o.State != nil {
		if err := verifyValue(o.State, depth, left); err != nil {
			return err
		}
	}
	return verifyAll(o.Args, depth, left)
}

// appendAll is append with doubling: append's slower growth would allocate more in all than a record may cost.
func appendAll[T any](dst, more []T) []T {
	if need := len(dst) + len(more); need > cap(dst) {
		grown := make([]T, len(dst), max(need, 2*cap(dst)))
		copy(grown, dst)
		dst = grown
	}
	return append(dst, more...)
}
