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

// zlibPool keeps compressors (about 1 MiB each) and decompressors (about 40 KiB) from one session to the next.
type zlibPool struct {
	writers, readers, buffers sync.Pool
}

func newZlibPool() *zlibPool {
	return &zlibPool{
		writers: sync.Pool{New: func() any { return zlib.NewWriter(nil) }},
		buffers: sync.Pool{New: func() any { return new([]byte) }},
	}
}

func (p *zlibPool) deflate(data []byte) ([]byte, error) {
	w := p.writers.Get().(*zlib.Writer)
	defer p.writers.Put(w)
	var out bytes.Buffer
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
