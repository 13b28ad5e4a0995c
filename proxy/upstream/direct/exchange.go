package direct

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"sync"
	"time"
)

// exchange is one request on a connection and the answer to it, whose body it is; all in one piece of memory.
type exchange struct {
	answer http.Response
	coding [1]string // of answer.TransferEncoding
	t      *Transport
	link   *link
	unhook func() bool // of the request's context
	begun  bool        // the answer's header is there

	src  io.Reader // of the body
	left int64     // bytes of the Content-Length still to come; -1: src knows the end
	keep bool      // the connection is as good as new when the answer has ended
	wait bool      // the deadline of the header is set

	mu   sync.Mutex
	over error // the body's end; the connection is not ours any more
}

// ask sends the request over the connection, which is the exchange's from here on.
func (t *Transport) ask(l *link, r *http.Request, request []byte) (*http.Response, error) {
	l.in = t.readers.Get().(*bufio.Reader)
	l.in.Reset(l.Conn)
	x := &exchange{t: t, link: l, wait: t.options.HeaderTimeout > 0}
	x.answer.Request = r
	x.unhook = context.AfterFunc(r.Context(), l.abort)
	err := x.send(request)
	if err == nil {
		err = x.receive()
	}
	if err != nil {
		x.unhook()
		l.Close()
		return nil, err
	}
	return &x.answer, nil
}

func (x *exchange) send(request []byte) error {
	if _, err := x.link.Write(request); err != nil {
		return x.stale(fmt.Errorf("send request: %w", err))
	}
	if _, err := x.link.in.Peek(1); err != nil {
		return x.stale(fmt.Errorf("read answer: %w", unexpected(err)))
	}
	return nil
}

// stale says of an error before the first byte of an answer whether the connection was to blame.
func (x *exchange) stale(err error) error {
	if why := x.explain(err); why != err || !x.link.reused { //nolint:errorlint // the very same
		return why
	}
	return &staleError{err}
}

// explain prefers the reason why we ended the connection to the error that followed from it.
func (x *exchange) explain(err error) error {
	if cause := context.Cause(x.answer.Request.Context()); cause != nil {
		return cause
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		if x.begun {
			return ErrStall
		}
		return ErrHeaderTimeout
	}
	return err
}

// receive reads the header of the answer, and passes interim answers on.
func (x *exchange) receive() error {
	trace := httptrace.ContextClientTrace(x.answer.Request.Context())
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
	left := x.t.options.MaxHeader
	for interim := 0; ; interim++ {
		if err := x.readHeader(&left); err != nil {
			return x.explain(fmt.Errorf("read header of the answer: %w", err))
		}
		switch {
		case x.answer.StatusCode < 100:
			return errStatus
		case x.answer.StatusCode == http.StatusSwitchingProtocols:
			return errSwitched
		case x.answer.StatusCode >= 200:
			x.begin()
			return nil
		case interim == x.t.options.MaxInterim:
			return ErrInterim
		}
		if trace != nil && trace.Got1xxResponse != nil {
			if err := trace.Got1xxResponse(x.answer.StatusCode, textproto.MIMEHeader(x.answer.Header)); err != nil {
				return err
			}
			left = x.t.options.MaxHeader
		}
		x.answer = http.Response{Request: x.answer.Request}
	}
}

// readHeader reads one header into the answer, and finds out how its body will end.
func (x *exchange) readHeader(left *int) error {
	block, discard, err := readBlock(x.link.in, left)
	if err != nil {
		return err
	}
	f, plain := parse(string(block), &x.answer)
	if plain {
		_, _ = x.link.in.Discard(discard)
		x.frame(f)
		return nil
	}
	block = bytes.Clone(block)
	_, _ = x.link.in.Discard(discard)
	return x.readOdd(block)
}

// readOdd leaves the answer to net/http. Its connection is not used again: what this upstream means is not beyond doubt.
func (x *exchange) readOdd(block []byte) error {
	x.link.in = bufio.NewReader(io.MultiReader(bytes.NewReader(block), x.link.in))
	res, err := http.ReadResponse(x.link.in, x.answer.Request)
	if err != nil {
		return unexpected(err)
	}
	x.answer = *res
	x.link.odd = true
	x.src, x.left = res.Body, -1
	return nil
}

// frame follows RFC 9112 6.3.
func (x *exchange) frame(f framing) {
	a := &x.answer
	a.Close, a.ContentLength, x.left = f.close, f.length, -1
	switch {
	case a.Request.Method == http.MethodHead:
		a.Body = http.NoBody
		x.code(f)
	case a.StatusCode < 200 || a.StatusCode == http.StatusNoContent || a.StatusCode == http.StatusNotModified:
		a.Body, a.ContentLength = http.NoBody, 0
	case f.chunked:
		x.code(f)
		x.src = newChunked(x)
	case f.length >= 0:
		x.src, x.left = x.link.in, f.length
		if f.length == 0 {
			a.Body = http.NoBody
		}
	default:
		x.src, a.Close = x.link.in, true
	}
}

func (x *exchange) code(f framing) {
	if f.chunked {
		x.coding[0] = "chunked"
		x.answer.TransferEncoding = x.coding[:]
	}
}

// begin opens the body.
func (x *exchange) begin() {
	x.begun, x.keep = true, !x.answer.Close && !x.link.odd
	if x.answer.Body == http.NoBody {
		x.finish(io.EOF)
		return
	}
	x.answer.Body = x
	if buffered := int64(x.link.in.Buffered()); x.wait && (x.left < 0 || x.left > buffered) {
		_ = x.link.SetReadDeadline(time.Time{})
	}
}
