package proxy

import (
	"errors"
	"io"
	"net"
)

// quietBuffer is what a connection holds on to while it waits for the next event or message, in bytes; a larger one is had while much passes.
const quietBuffer = 2 << 10

// Get implements [httputil.BufferPool]. It is called when the header of the answer is known.
func (e *errand) Get() []byte {
	if e.flight.long.Load() {
		return make([]byte, quietBuffer)
	}
	return e.buffers.Get()
}

// Put implements [httputil.BufferPool].
func (e *errand) Put(buf []byte) {
	if len(buf) != quietBuffer {
		e.buffers.Put(buf)
	}
}

// relay copies like [io.Copy], with a small buffer as long as little passes.
func (b *buffers) relay(dst io.Writer, src io.Reader) (total int64, err error) {
	buf := make([]byte, quietBuffer)
	for {
		full, n, err := relayOnce(dst, src, buf)
		for total += n; full && err == nil; total += n {
			large := b.Get()
			full, n, err = relayOnce(dst, src, large)
			b.Put(large)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// relayOnce passes on what one read gives; full: there may be more to read at once.
func relayOnce(dst io.Writer, src io.Reader, buf []byte) (full bool, passed int64, err error) {
	n, readErr := src.Read(buf)
	if n > 0 {
		written, err := dst.Write(buf[:n])
		if err != nil {
			return false, int64(written), err
		}
	}
	return n == len(buf), int64(n), readErr
}

// halfCloser ends one direction of a connection.
type halfCloser interface{ CloseWrite() error }

func closeWrite(of any) error {
	if half, ok := of.(halfCloser); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// quietConn and quietTunnel are the two ends of switched protocols. [httputil.ReverseProxy] would give each of them 32 KiB for as long as they are
// open; io.Copy leaves it to an io.WriterTo.
type quietConn struct {
	net.Conn
	buffers *buffers
}

// WriteTo implements [io.WriterTo].
func (c quietConn) WriteTo(dst io.Writer) (int64, error) { return c.buffers.relay(dst, c.Conn) }

// CloseWrite is what [httputil.ReverseProxy] looks for.
func (c quietConn) CloseWrite() error { return closeWrite(c.Conn) }

type quietTunnel struct {
	io.ReadWriteCloser
	buffers *buffers
}

// WriteTo implements [io.WriterTo].
func (t quietTunnel) WriteTo(dst io.Writer) (int64, error) {
	return t.buffers.relay(dst, t.ReadWriteCloser)
}

// CloseWrite is what [httputil.ReverseProxy] looks for.
func (t quietTunnel) CloseWrite() error { return closeWrite(t.ReadWriteCloser) }
