package codec

import (
	"bytes"
	"compress/zlib"
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
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
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
func (p *zlibPool) inflate(data []byte) (*bytes.Buffer, error) {
	r, err := p.reader(data)
	if err != nil {
		return nil, fmt.Errorf("%w: bad zlib header", pyvalue.ErrMalformed)
	}
	defer p.readers.Put(r)
	buf := p.buffers.Get().(*bytes.Buffer)
	buf.Reset()
	n, err := io.Copy(buf, io.LimitReader(r, pyvalue.MaxSize+1))
	if err == nil && n <= pyvalue.MaxSize {
		return buf, nil
	}
	p.release(buf)
	if err != nil {
		return nil, fmt.Errorf("%w: bad zlib stream", pyvalue.ErrMalformed)
	}
	return nil, fmt.Errorf("%w: more than %d bytes when decompressed", pyvalue.ErrLimit, pyvalue.MaxSize)
}

func (p *zlibPool) release(buf *bytes.Buffer) { p.buffers.Put(buf) }

func (p *zlibPool) reader(data []byte) (io.ReadCloser, error) {
	r, ok := p.readers.Get().(io.ReadCloser)
	if !ok {
		return zlib.NewReader(bytes.NewReader(data))
	}
	return r, r.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
}
