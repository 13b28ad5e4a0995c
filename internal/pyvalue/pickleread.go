package pyvalue

import "fmt"

// ReadPickle reads a pickled dict of plain data, protocols 0 to 5. Nothing is imported or called: datetime.datetime, date,
// time, timedelta, timezone, decimal.Decimal and uuid.UUID, by exact name and with the arguments that Python writes,
// become an [Opaque]; whatever else asks for an import is [ErrForbidden]. Cycles and equal string keys, which no session
// has, are refused. Shared references stay shared.
//
// This is our own reader because og-rek has no limits on depth, memo or memory, and forgets the order of dicts.
func ReadPickle(src []byte) (*Dict, error) {
	d, err := readPickle(src)
	if err != nil {
		return nil, fmt.Errorf("read pickle: %w", err)
	}
	return d, nil
}

func readPickle(src []byte) (*Dict, error) {
	if len(src) > MaxSize {
		return nil, errTooLarge
	}
	r := pickleReader{src: string(src), left: MaxValues, convert: MaxSize}
	v, err := r.run()
	if err != nil {
		return nil, err
	}
	d, ok := v.(*Dict)
	if !ok {
		return nil, fmt.Errorf("%w but a %s", ErrNotDict, kindOf(v))
	}
	if err := verify(d); err != nil {
		return nil, err
	}
	for _, made := range r.dicts {
		if made.duplicates() != nil {
			return nil, fmt.Errorf("%w: a key twice", ErrMalformed)
		}
	}
	return d, nil
}

// pickleReader is the pickle machine. All text is cut from src.
type pickleReader struct {
	src     string
	pos     int
	left    int // values that may still be made
	convert int // bytes that may still be converted by _codecs.encode
	stack   []Value
	marks   []int // heights of the stack; nothing below the last one may be taken
	memo    []Value
	dicts   []*Dict
}

// class is what GLOBAL puts on the stack: a name, never the thing. verify refuses one that is left in the data.
type class struct{ module, name string }

func (class) pyValue() {}

func (r *pickleReader) malformed(what string) error {
	return fmt.Errorf("%w: %s before byte %d", ErrMalformed, what, r.pos)
}

// run executes the pickle; it must leave one value and end at STOP.
func (r *pickleReader) run() (Value, error) {
	for {
		op, err := r.byte()
		if err != nil {
			return nil, err
		}
		if op == opStop {
			return r.result()
		}
		if err := r.step(op); err != nil {
			return nil, err
		}
	}
}

func (r *pickleReader) result() (Value, error) {
	if len(r.stack) != 1 || len(r.marks) != 0 || r.pos != len(r.src) {
		return nil, r.malformed("not exactly one value")
	}
	return r.stack[0], nil
}

// step executes one opcode. The groups are disjoint.
func (r *pickleReader) step(op byte) error {
	switch op {
	case opProto, opFrame:
		return r.header(op)
	case opNone:
		return r.push(None{})
	case opNewTrue:
		return r.push(Bool(true))
	case opNewFalse:
		return r.push(Bool(false))
	case opInt, opLong, opBinInt, opBinInt1, opBinInt2, opLong1, opLong4, opFloat, opBinFloat:
		return r.number(op)
	case opString, opBinString, opShortBinString, opUnicode, opBinUnicode, opShortBinUni, opBinUnicode8:
		return r.text(op)
	case opShortBinBytes, opBinBytes, opBinBytes8:
		return r.bytes(op)
	case opPut, opBinPut, opLongBinPut, opMemoize, opGet, opBinGet, opLongBinGet:
		return r.reference(op)
	case opGlobal, opStackGlobal, opReduce, opNewObj, opBuild:
		return r.object(op)
	}
	return r.container(op)
}

// header skips PROTO at the beginning, and FRAME, which only helps those who read from a stream.
func (r *pickleReader) header(op byte) error {
	if op == opProto {
		version, err := r.byte()
		if err != nil || version > 5 || r.pos != 2 {
			return r.malformed("protocol")
		}
		return nil
	}
	size, err := r.uint(8)
	if err != nil || size > uint64(len(r.src)-r.pos) {
		return r.malformed("frame")
	}
	return nil
}

// push puts a new value on the stack.
func (r *pickleReader) push(v Value) error {
	if r.left--; r.left < 0 {
		return errTooMany
	}
	r.stack = appendAll(r.stack, []Value{v})
	return nil
}

// pop takes the topmost value, or nil when there is none above the last mark.
func (r *pickleReader) pop() Value {
	v := r.top()
	if v != nil {
		r.stack = r.stack[:len(r.stack)-1]
	}
	return v
}

func (r *pickleReader) top() Value {
	if len(r.stack) == 0 || len(r.marks) > 0 && len(r.stack) <= r.marks[len(r.marks)-1] {
		return nil
	}
	return r.stack[len(r.stack)-1]
}

// popMark takes all values above the last mark, and the mark. They are valid until the next push.
func (r *pickleReader) popMark() ([]Value, error) {
	if len(r.marks) == 0 {
		return nil, r.malformed("no mark")
	}
	base := r.marks[len(r.marks)-1]
	r.marks = r.marks[:len(r.marks)-1]
	items := r.stack[base:]
	r.stack = r.stack[:base]
	return items, nil
}

// popN takes the n topmost values. They are valid until the next push.
func (r *pickleReader) popN(n int) ([]Value, error) {
	base := len(r.stack) - n
	if base < 0 || len(r.marks) > 0 && base < r.marks[len(r.marks)-1] {
		return nil, r.malformed("empty stack")
	}
	items := r.stack[base:]
	r.stack = r.stack[:base]
	return items, nil
}
