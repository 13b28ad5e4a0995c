package pyvalue

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// AppendPickle appends d as CPython's C pickler writes it (Modules/_pickle.c): protocol 5 is what Django's own caches
// hold, 4 what django-redis does; for our values they differ in the number alone. Containers that are shared stay shared;
// equal strings are written once, which Python cannot tell from strings that are the same. On an error dst is returned
// as it was.
func AppendPickle(dst []byte, d *Dict, protocol int) ([]byte, error) {
	if protocol != 4 && protocol != 5 {
		return dst, fmt.Errorf("write pickle: protocol %d is not supported, use 4 or 5", protocol)
	}
	if err := verify(d); err != nil {
		return dst, fmt.Errorf("write pickle: %w", err)
	}
	w := pickleWriter{frames: newFrames(append(dst, opProto, byte(protocol)))}
	if err := w.value(d); err != nil {
		return dst, fmt.Errorf("write pickle: %w", err)
	}
	w.op(opStop)
	w.commit()
	if len(w.buf)-len(dst) > MaxSize {
		return dst, fmt.Errorf("write pickle: %w", errTooLarge)
	}
	return w.buf, nil
}

// batchSize is BATCHSIZE of _pickle.c: items per APPENDS, SETITEMS and ADDITEMS.
const batchSize = 1000

type pickleWriter struct {
	frames
	things map[any]int  // memo of what has an identity: pointers to containers, to a tuple's first item
	texts  map[text]int // memo of what has none
	next   int          // memo index
}

// text is an immutable value's memo key. Names of modules and classes are strings of their own in CPython.
type text struct {
	kind  byte // of the value: 's'tr, 'b'ytes, 'm'odule, 'n'ame, 'c'lass
	value string
}

// value is save() of _pickle.c.
func (w *pickleWriter) value(v Value) error {
	w.boundary()
	switch v := v.(type) {
	case None:
		w.op(opNone)
	case Bool:
		w.op(opNewFalse - b2i(bool(v)))
	case Int:
		return w.int(v)
	case Float:
		w.op(opBinFloat)
		w.raw(binary.BigEndian.AppendUint64(nil, math.Float64bits(float64(v))))
	case Str:
		return w.str('s', string(v))
	case Bytes:
		w.bytes(string(v))
	case Tuple:
		return w.tuple(v)
	default:
		return w.thing(v)
	}
	return nil
}

// b2i is 1 for true: NEWTRUE is the opcode before NEWFALSE.
func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// thing writes what is the same only if its pointer is.
func (w *pickleWriter) thing(v Value) error {
	if w.known(v) {
		return nil
	}
	switch v := v.(type) {
	case *List:
		w.op(opEmptyList)
		w.memoize(v)
		return w.list(v.Items)
	case *Dict:
		w.op(opEmptyDict)
		w.memoize(v)
		return w.dict(v.entries)
	case *Set:
		return w.set(v)
	case *Opaque:
		return w.opaque(v)
	}
	return fmt.Errorf("%w: pickle cannot hold a %s", ErrKind, kindOf(v))
}

func (w *pickleWriter) int(i Int) error {
	if i.tooLong() {
		return errLongInt
	}
	n, ok := i.Int64()
	switch {
	case !ok || n != int64(int32(n)):
		return w.long(i)
	case n >= 0 && n < 1<<8:
		w.op(opBinInt1, byte(n))
	case n >= 0 && n < 1<<16:
		w.op(opBinInt2, byte(n), byte(n>>8))
	default:
		w.op(opBinInt, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return nil
}

// long writes two's complement, least byte first, in as few bytes as hold the sign.
func (w *pickleWriter) long(i Int) error {
	n := i.Big()
	negative := n.Sign() < 0
	if negative {
		n.Not(n)
	}
	size := n.BitLen()/8 + 1
	le := n.FillBytes(make([]byte, size))
	slices.Reverse(le)
	for j := range le {
		if negative {
			le[j] = ^le[j]
		}
	}
	if size < 256 {
		w.op(opLong1, byte(size))
	} else {
		w.op(opLong4)
		w.raw(binary.LittleEndian.AppendUint32(nil, uint32(size)))
	}
	w.raw(le)
	return nil
}

func (w *pickleWriter) str(kind byte, s string) error {
	if w.knownText(kind, s) {
		return nil
	}
	if !validText(s) {
		return fmt.Errorf("%w: text that is not UTF-8", ErrKind)
	}
	if len(s) < 1<<8 {
		w.data(s, opShortBinUni, byte(len(s)))
	} else {
		w.data(s, binary.LittleEndian.AppendUint32([]byte{opBinUnicode}, uint32(len(s)))...)
	}
	w.memoizeText(kind, s)
	return nil
}

func (w *pickleWriter) bytes(s string) {
	if w.knownText('b', s) {
		return
	}
	if len(s) < 1<<8 {
		w.data(s, opShortBinBytes, byte(len(s)))
	} else {
		w.data(s, binary.LittleEndian.AppendUint32([]byte{opBinBytes}, uint32(len(s)))...)
	}
	w.memoizeText('b', s)
}

// known writes a reference to v if v was written before.
func (w *pickleWriter) known(v any) bool {
	i, ok := w.things[v]
	if ok {
		w.get(i)
	}
	return ok
}

func (w *pickleWriter) knownText(kind byte, s string) bool {
	i, ok := w.texts[text{kind, s}]
	if ok {
		w.get(i)
	}
	return ok
}

func (w *pickleWriter) get(i int) {
	if i < 1<<8 {
		w.op(opBinGet, byte(i))
		return
	}
	w.op(opLongBinGet, byte(i), byte(i>>8), byte(i>>16), byte(i>>24))
}

func (w *pickleWriter) memoize(v any) {
	if w.things == nil {
		w.things = map[any]int{}
	}
	w.things[v] = w.next
	w.next++
	w.op(opMemoize)
}

func (w *pickleWriter) memoizeText(kind byte, s string) {
	if w.texts == nil {
		w.texts = make(map[text]int, 8)
	}
	w.texts[text{kind, s}] = w.next
	w.next++
	w.op(opMemoize)
}
