package fastcgi

import (
	"encoding/binary"
	"fmt"
	"io"
)

const (
	maxStderrRecord = 8 << 10  // bytes of a record that are shown
	maxStderr       = 64 << 10 // bytes of a request that are shown; the rest is read and dropped
	maxEmpty        = 1000     // records without content in a row
)

// stdout is the answer's stream within the records. Its end is [io.EOF] only after the upstream said that the request is
// complete; a connection that ends earlier is [io.ErrUnexpectedEOF].
type stdout struct {
	records records
	stderr  func(text string) // nil: dropped
	shown   int               // bytes of stderr so far
	empty   int               // records without content in a row
	closed  bool              // the empty record that ends the stream was there; optional, PHP-FPM leaves it out
	err     error             // the end, once it was there
}

// Read implements [io.Reader].
func (s *stdout) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.err == nil {
		if s.records.kind == typeStdout && s.records.content > 0 {
			n, err := s.records.Read(p)
			s.err = err
			return n, err
		}
		s.err = s.advance()
	}
	return 0, s.err
}

// advance goes to the next record and deals with it unless it is content.
func (s *stdout) advance() error {
	if err := s.records.next(); err != nil {
		return unexpected(err)
	}
	if s.records.content > 0 {
		s.empty = 0
	} else if s.empty++; s.empty > maxEmpty {
		return fmt.Errorf("%w: %d records without content", ErrProtocol, s.empty)
	}
	switch s.records.kind {
	case typeStdout:
		return s.more()
	case typeStderr:
		return s.show()
	case typeEnd:
		if err := s.records.end(); err != nil {
			return err
		}
		return io.EOF
	}
	return fmt.Errorf("%w: a record of type %d", ErrProtocol, s.records.kind)
}

func (s *stdout) more() error {
	if s.closed && s.records.content > 0 {
		return fmt.Errorf("%w: output after its end", ErrProtocol)
	}
	s.closed = s.closed || s.records.content == 0
	return nil
}

func (s *stdout) show() error {
	size := min(s.records.content, maxStderrRecord, maxStderr-s.shown)
	if size <= 0 || s.stderr == nil {
		return nil // next skips the content
	}
	s.shown += size
	text := make([]byte, size)
	if _, err := io.ReadFull(&s.records, text); err != nil {
		return unexpected(err)
	}
	s.stderr(string(text))
	return nil
}

// settle reports whether the request is complete, as far as that can be told without waiting.
func (s *stdout) settle() bool {
	for s.err == nil && s.records.content == 0 && s.endBuffered() {
		s.err = s.advance()
	}
	return s.err == io.EOF //nolint:errorlint // as advance gives it
}

// endBuffered reports whether the next record is here already and belongs to the end of the answer.
func (s *stdout) endBuffered() bool {
	skip := s.records.padding
	if s.records.in.Buffered() < skip+headerLen {
		return false
	}
	head, err := s.records.in.Peek(skip + headerLen)
	if err != nil {
		return false
	}
	kind, length := head[skip+1], int(binary.BigEndian.Uint16(head[skip+4:]))
	return kind == typeStdout && length == 0 || kind == typeEnd && s.records.in.Buffered() >= len(head)+length
}
