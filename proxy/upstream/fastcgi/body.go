package fastcgi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// body is that of an answer. What it reads is what the application wrote, no less and no more than it promised.
type body struct {
	x    *exchange
	in   *bufio.Reader
	left int64 // bytes of the Content-Length still to come; -1: unknown
	err  error // the end, once it was there
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		b.finish(io.EOF)
		return 0, io.EOF
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.in.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err == nil {
		return n, nil
	}
	if errors.Is(err, io.EOF) && b.left > 0 {
		err = fmt.Errorf("answer is %d bytes short of its Content-Length: %w", b.left, io.ErrUnexpectedEOF)
	}
	b.finish(err)
	return n, b.err
}

// finish keeps the connection only if the application has said the end; output beyond the Content-Length stays unread.
func (b *body) finish(err error) {
	if !errors.Is(err, io.EOF) {
		err = b.x.explain(fmt.Errorf("read body of the answer: %w", err))
	}
	b.err = err
	b.x.end(b.in.Buffered() == 0 && b.x.out.settle())
}

// Close implements [io.Closer]. It ends the request, also when it is not complete.
func (b *body) Close() error {
	if b.err == nil {
		b.finish(io.EOF)
		b.err = http.ErrBodyReadAfterClose
	}
	return nil
}
