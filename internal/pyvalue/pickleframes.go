package pyvalue

import "encoding/binary"

// Sizes of _pickle.c, in bytes.
const (
	frameHeader = 9        // FRAME and eight bytes of length
	frameMin    = 4        // a shorter frame loses its header
	frameTarget = 64 << 10 // a frame that has this much ends at the next value; data of this size stands outside frames
)

// frames is the output buffer of the C pickler with its framing (protocol 4 and up).
type frames struct {
	buf   []byte
	start int  // of the open frame's header, -1 when none is open
	off   bool // framing is suspended
}

func newFrames(buf []byte) frames { return frames{buf: buf, start: -1} }

func (f *frames) op(bytes ...byte) { f.raw(bytes) }

// raw is _Pickler_Write.
func (f *frames) raw(bytes []byte) {
	if f.start < 0 && !f.off {
		f.start = len(f.buf)
		f.buf = append(f.buf, make([]byte, frameHeader)...)
	}
	f.buf = append(f.buf, bytes...)
}

// data is _Pickler_write_bytes.
func (f *frames) data(payload string, header ...byte) {
	if len(payload) >= frameTarget {
		f.commit()
		f.off = true
	}
	f.raw(header)
	f.buf = append(f.buf, payload...)
	f.off = false
}

// boundary is _Pickler_OpcodeBoundary.
func (f *frames) boundary() {
	if f.start >= 0 && len(f.buf)-f.start-frameHeader >= frameTarget {
		f.commit()
	}
}

// commit is _Pickler_CommitFrame: it closes the open frame.
func (f *frames) commit() {
	if f.start < 0 {
		return
	}
	frame := f.buf[f.start:]
	f.start = -1
	if size := len(frame) - frameHeader; size >= frameMin {
		frame[0] = opFrame
		binary.LittleEndian.PutUint64(frame[1:], uint64(size))
		return
	}
	copy(frame, frame[frameHeader:])
	f.buf = f.buf[:len(f.buf)-frameHeader]
}
