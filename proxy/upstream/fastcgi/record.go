package fastcgi

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Types of records and constants of the FastCGI specification 1.0, section 8.
const (
	version = 1

	typeBegin  = 1
	typeEnd    = 3
	typeParams = 4
	typeStdin  = 5
	typeStdout = 6
	typeStderr = 7

	roleResponder  = 1
	flagKeepConn   = 1
	statusComplete = 0

	headerLen  = 8
	endLen     = 8
	maxContent = 65535
	requestID  = 1 // one request at a time on a connection: no multiplexing
)

// ErrProtocol is an upstream that does not speak FastCGI, or speaks it wrongly.
var ErrProtocol = errors.New("not FastCGI")

// appendHeader begins a record whose content follows, without padding.
func appendHeader(dst []byte, kind byte, length int) []byte {
	dst = append(dst, version, kind, 0, requestID)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	return append(dst, 0, 0)
}

func appendBegin(dst []byte, keep bool) []byte {
	var flags byte
	if keep {
		flags = flagKeepConn
	}
	dst = appendHeader(dst, typeBegin, 8)
	return append(dst, 0, roleResponder, flags, 0, 0, 0, 0, 0)
}

// appendStream writes content as the records of one stream, without the empty record that ends it.
func appendStream(dst []byte, kind byte, content []byte) []byte {
	for len(content) > 0 {
		part := content[:min(len(content), maxContent)]
		dst = append(appendHeader(dst, kind, len(part)), part...)
		content = content[len(part):]
	}
	return dst
}

// records reads the records of one connection. The content of the current one is read by Read.
type records struct {
	in      *bufio.Reader
	kind    byte
	content int // bytes left of the current record
	padding int
}

// next goes to the next record, over what is left of the current one. The end of the connection is [io.EOF] between
// records and [io.ErrUnexpectedEOF] within one.
func (r *records) next() error {
	if _, err := r.in.Discard(r.content + r.padding); err != nil {
		return unexpected(err)
	}
	r.content, r.padding = 0, 0
	if _, err := r.in.Peek(1); err != nil {
		return err
	}
	head, err := r.in.Peek(headerLen)
	if err != nil {
		return unexpected(err)
	}
	if head[0] != version {
		return fmt.Errorf("%w: version %d in a record", ErrProtocol, head[0])
	}
	if id := binary.BigEndian.Uint16(head[2:]); id != requestID {
		return fmt.Errorf("%w: a record of request %d, which was never begun", ErrProtocol, id)
	}
	r.kind, r.content, r.padding = head[1], int(binary.BigEndian.Uint16(head[4:])), int(head[6])
	_, err = r.in.Discard(headerLen)
	return err
}

// Read reads the content of the current record; 0, nil at its end.
func (r *records) Read(p []byte) (int, error) {
	if r.content == 0 || len(p) == 0 {
		return 0, nil
	}
	n, err := r.in.Read(p[:min(len(p), r.content)])
	r.content -= n
	if n > 0 {
		return n, nil
	}
	return 0, unexpected(err)
}

// end reads an FCGI_END_REQUEST record.
func (r *records) end() error {
	if r.content != endLen {
		return fmt.Errorf("%w: an end of %d bytes", ErrProtocol, r.content)
	}
	var content [endLen]byte
	if _, err := io.ReadFull(r.in, content[:]); err != nil {
		return unexpected(err)
	}
	r.content = 0
	if status := content[4]; status != statusComplete {
		return &RefusedError{Status: status}
	}
	return nil
}

// RefusedError is a request that the upstream did not take.
type RefusedError struct {
	// Status is 1 (cannot multiplex), 2 (overloaded) or 3 (unknown role): FastCGI 1.0, section 5.5.
	Status byte
}

// Error implements error.
func (e *RefusedError) Error() string {
	if e.Status == 2 {
		return "FastCGI upstream is overloaded"
	}
	return fmt.Sprintf("FastCGI upstream refused the request with protocol status %d", e.Status)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
