package direct

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"time"
)

// Read implements [io.Reader] for the body of the answer.
func (x *exchange) Read(p []byte) (int, error) {
	if err := x.ended(); err != nil {
		return 0, err
	}
	if stall := x.t.options.StallTimeout; stall > 0 {
		_ = x.link.SetReadDeadline(time.Now().Add(stall))
	}
	if x.left >= 0 {
		p = p[:min(int64(len(p)), x.left)]
	}
	n, err := x.src.Read(p)
	if x.left >= 0 {
		x.left -= int64(n)
		switch {
		case x.left == 0: // together with the last bytes, so that the connection is free as early as can be
			err = io.EOF
		case err != nil:
			err = unexpected(err)
		}
	}
	if err != nil {
		err = x.finish(err)
	}
	return n, err
}

// Close implements [io.Closer]. An answer that has not come to its end takes its connection with it. It may be called while Read
// waits, which it ends.
func (x *exchange) Close() error {
	x.end(http.ErrBodyReadAfterClose, false)
	return nil
}

// Buffered is how many bytes Read can give without waiting for the upstream, as far as is known; 0 may be more.
func (x *exchange) Buffered() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over != nil || x.src != io.Reader(x.link.in) { // in chunks there may be no more than the next one's size
		return 0
	}
	n := x.link.in.Buffered()
	if x.left >= 0 {
		n = int(min(int64(n), x.left))
	}
	return n
}

func (x *exchange) ended() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.over
}

// finish ends the exchange by what a read said, and gives what its caller should see.
func (x *exchange) finish(err error) error {
	complete := errors.Is(err, io.EOF)
	if !complete {
		err = x.explain(fmt.Errorf("read body of the answer: %w", err))
	}
	x.end(err, complete)
	return err
}

// end gives the connection back if nothing speaks against it, and closes it otherwise.
func (x *exchange) end(err error, complete bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.over != nil {
		return
	}
	x.over = err
	if unhooked := x.unhook(); unhooked && complete && x.keep && x.link.in.Buffered() == 0 {
		x.t.keep(x.link)
	} else {
		x.link.Close()
	}
	x.t.options.Ended()
}

func (t *Transport) keep(l *link) {
	l.in.Reset(nil)
	t.readers.Put(l.in)
	l.in = nil
	t.idle.put(l)
}

// chunked is a body in chunks (RFC 9112 7.1), with trailers of readSize bytes at most.
type chunked struct {
	io.Reader
	in      *bufio.Reader
	trailer *http.Header
}

func newChunked(x *exchange) *chunked {
	return &chunked{httputil.NewChunkedReader(x.link.in), x.link.in, &x.answer.Trailer}
}

// Read implements [io.Reader]; the end of the body is that of its trailers.
func (c *chunked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF { //nolint:errorlint // as it comes from the last chunk; in the middle of one it is another
		if trailerErr := c.readTrailer(); trailerErr != nil {
			return n, trailerErr
		}
	}
	return n, err
}

func (c *chunked) readTrailer() error {
	if next, err := c.in.Peek(2); err != nil {
		return unexpected(err)
	} else if string(next) == "\r\n" {
		_, _ = c.in.Discard(2)
		return nil
	}
	if err := c.waitForEnd(); err != nil {
		return fmt.Errorf("trailer: %w", err)
	}
	fields, err := textproto.NewReader(c.in).ReadMIMEHeader()
	if err != nil {
		return fmt.Errorf("trailer: %w", unexpected(err))
	}
	if *c.trailer == nil {
		*c.trailer = http.Header{}
	}
	for name, values := range fields {
		(*c.trailer)[name] = values
	}
	return nil
}

// waitForEnd reads ahead until the end of the trailers is in sight: net/textproto has no limit of its own.
func (c *chunked) waitForEnd() error {
	for {
		seen, _ := c.in.Peek(c.in.Buffered())
		if bytes.Contains(seen, []byte("\r\n\r\n")) {
			return nil
		}
		if len(seen) == c.in.Size() {
			return errTooLong
		}
		if _, err := c.in.Peek(len(seen) + 1); err != nil {
			return unexpected(err)
		}
	}
}
