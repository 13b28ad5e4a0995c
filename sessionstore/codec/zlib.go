package codec

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"sync"

	"coatcheck/internal/pyvalue"
)

// A compressor of the usual level (zlib's and Django's default) clears 640 KiB of tables before it begins, which takes longer than all else for a session as a login
// leaves it; the fast one does not. Between these lengths, in bytes, the fast one is tried first: below it seldom gains anything, above the better ratio is worth the time.
const fastFrom, fastTo = 128, 1024

// incompressible is the length of text below which no zlib stream is shorter by two: header and checksum take 6 bytes, one literal and the end 3.
const incompressible = 11

// zlibPool keeps compressors (about 1 MiB each) and decompressors (about 40 KiB) from one session to the next.
type zlibPool struct {
	fast, writers, readers, buffers sync.Pool
}

func newZlibPool() *zlibPool {
	return &zlibPool{
		fast:    sync.Pool{New: func() any { return newWriter(zlib.BestSpeed) }},
		writers: sync.Pool{New: func() any { return newWriter(zlib.DefaultCompression) }},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
}

func newWriter(level int) *zlib.Writer {
	w, err := zlib.NewWriterLevel(nil, level)
	if err != nil {
		panic(err) // only for a level that zlib does not know
	}
	return w
}

// deflate returns the compressed data, and whether it is shorter by more than the dot that tells of it (Django's rule in signing.dumps).
func (p *zlibPool) deflate(data []byte) (small []byte, shorter bool, err error) {
	if len(data) < incompressible {
		return nil, false, nil
	}
	if fastFrom <= len(data) && len(data) <= fastTo {
		small, err = compress(&p.fast, data)
		if err != nil || len(small) < len(data)-1 {
			return small, true, err
		}
	}
	small, err = compress(&p.writers, data)
	return small, len(small) < len(data)-1, err
}

func compress(writers *sync.Pool, data []byte) ([]byte, error) {
	w := writers.Get().(*zlib.Writer)
	defer writers.Put(w)
	var out bytes.Buffer
	out.Grow(len(data) + incompressible)
	w.Reset(&out)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compress session: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress session: %w", err)
	}
	return out.Bytes(), nil
}

// inflate decompresses at most pyvalue.MaxSize bytes: a kilobyte can hold a megabyte ("zip bomb"). What follows the
// stream is ignored, as Python does. The caller gives the buffer back with release.
func (p *zlibPool) inflate(data []byte) (*[]byte, error) {
	r, err := p.reader(data)
	if err != nil {
		return nil, fmt.Errorf("%w: bad zlib header", pyvalue.ErrMalformed)
	}
	defer p.readers.Put(r)
	buf := p.buffers.Get().(*[]byte)
	if *buf, err = readBounded(r, (*buf)[:0]); err != nil {
		p.release(buf)
		return nil, err
	}
	return buf, nil
}

func (p *zlibPool) release(buf *[]byte) { p.buffers.Put(buf) }

// readBounded reads all of r into buf, which grows to one byte more than is allowed.
func readBounded(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) > pyvalue.MaxSize {
			return buf, fmt.Errorf("%w: more than %d bytes when decompressed", pyvalue.ErrLimit, pyvalue.MaxSize)
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, nextSize(cap(buf))), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, fmt.Errorf("%w: bad zlib stream", pyvalue.ErrMalformed)
		}
	}
}

// nextSize doubles, but from 64 KiB on goes all the way: a bomb shall not fill the memory with its steps.
func nextSize(size int) int {
	if size >= 64<<10 {
		return pyvalue.MaxSize + 1
	}
	return max(1<<10, 2*size)
}

func (p *zlibPool) reader(data []byte) (io.ReadCloser, error) {
	r, ok := p.readers.Get().(io.ReadCloser)
	if !ok {
		return zlib.NewReader(bytes.NewReader(data))
	}
	return r, r.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
}
