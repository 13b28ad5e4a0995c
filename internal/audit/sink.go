package audit

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	maxLines = 4096        // that may wait: about two megabytes
	retry    = time.Second // after a line that could not be written
)

// Sink is where the lines are kept. One goroutine writes them; a line that cannot be written is tried again until it can, and those behind
// it wait, as many as maxLines.
type Sink struct {
	out     io.Writer
	closer  io.Closer // nil: none
	dropped func()
	fault   func(error)

	lines chan []byte
	quit  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	ended   bool // no line is taken any more
	added   uint64
	written uint64
	failing bool          // the last write failed
	stalled bool          // somebody waited in vain, or a line was dropped; until all is written
	news    chan struct{} // closed, and made anew, when written or failing changes
}

// Options are what a sink tells of itself.
type Options struct {
	Dropped func()      // a line was dropped; must not block
	Fault   func(error) // writing began to fail, or, with nil, works again
}

// Open opens a file to append to; it is made with mode 0600. A pipe that nobody reads is an error.
func Open(path string, o Options) (*Sink, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w (key log.audit)", err)
	}
	return newSink(f, f, o), nil
}

// NewSink returns a sink that writes to out, which stays open at its end.
func NewSink(out io.Writer, o Options) *Sink { return newSink(out, nil, o) }

func newSink(out io.Writer, closer io.Closer, o Options) *Sink {
	s := &Sink{out: out, closer: closer, dropped: o.Dropped, fault: o.Fault, lines: make(chan []byte, maxLines),
		quit: make(chan struct{}), done: make(chan struct{}), news: make(chan struct{})}
	go s.run()
	return s
}

// Close ends a sink: what waits is written behind the caller's back. It may be called more than once.
func (s *Sink) Close() error {
	s.end()
	return nil
}

// end lets the goroutine write what waits and close the file. It does not wait for that.
func (s *Sink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended = true
		close(s.quit)
	}
}

// add puts a line into the queue, or drops it. False: the sink has ended.
func (s *Sink) add(line []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	select {
	case s.lines <- append([]byte(nil), line...):
		s.added++
	default:
		s.stalled = true
		s.dropped()
	}
	return true
}

func (s *Sink) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing || s.stalled
}

func (s *Sink) run() {
	defer close(s.done)
	if s.closer != nil {
		defer s.closer.Close()
	}
	for {
		select {
		case line := <-s.lines:
			s.write(line)
			continue
		default:
		}
		select {
		case line := <-s.lines:
			s.write(line)
		case <-s.quit:
			if len(s.lines) == 0 {
				return
			}
		}
	}
}

// write writes a line to its end, however long that takes; after the end of the sink it is tried once.
func (s *Sink) write(line []byte) {
	for {
		n, err := s.out.Write(line)
		line = line[n:]
		if len(line) == 0 || err == nil {
			s.note(nil)
			return
		}
		s.note(err)
		select {
		case <-time.After(retry):
		case <-s.quit:
			s.dropped()
			return
		}
	}
}

func (s *Sink) note(err error) {
	s.mu.Lock()
	changed := s.failing != (err != nil)
	s.failing = err != nil
	if err == nil {
		if s.written++; s.written == s.added {
			s.stalled = false
		}
	}
	close(s.news)
	s.news = make(chan struct{})
	s.mu.Unlock()
	if changed {
		s.fault(err)
	}
}

// confirm waits until what was added so far is written.
func (s *Sink) confirm(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for want := s.added; s.written < want || s.failing || s.stalled; {
		if s.failing || s.stalled {
			return ErrNotKept
		}
		news := s.news
		s.mu.Unlock()
		var late bool
		select {
		case <-news:
		case <-ctx.Done():
			late = true
		}
		s.mu.Lock()
		if late && s.written < want {
			s.stalled = true
			return ErrNotKept
		}
	}
	return nil
}
