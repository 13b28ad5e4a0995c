package cmd

import (
	"io"
	"sync"
	"time"
)

const (
	logLines = 4096                 // that may wait for a reader of the log: about two megabytes
	logFlush = time.Second          // at the end
	logDelay = 5 * time.Millisecond // lines that come within this time are written together: a write for each costs more than the line itself
)

// logSink writes lines to a log whose reader may be slow, or gone: requests never wait for it (F32). Lines beyond those that may wait are
// dropped, and counted.
type logSink struct {
	out     io.Writer
	dropped func()
	some    chan struct{} // there may be lines
	quit    chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	text    []byte // of the lines that nobody writes yet
	lines   int    // in text
	writing int    // lines that are being written
}

func newLogSink(out io.Writer, dropped func()) *logSink {
	s := &logSink{out: out, dropped: dropped, some: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// Write implements [io.Writer] for the line of one record, which it keeps a copy of.
func (s *logSink) Write(line []byte) (int, error) {
	s.mu.Lock()
	full, first := s.lines+s.writing >= logLines, s.lines == 0
	if !full {
		s.text = append(s.text, line...)
		s.lines++
	}
	s.mu.Unlock()
	switch {
	case full:
		s.dropped()
	case first:
		select {
		case s.some <- struct{}{}:
		default: // run has not looked yet
		}
	}
	return len(line), nil
}

func (s *logSink) run() {
	defer close(s.done)
	var spare []byte
	for {
		select {
		case <-s.some:
			s.pause()
		case <-s.quit:
			s.write(spare)
			return
		}
		spare = s.write(spare)
	}
}

func (s *logSink) pause() {
	select {
	case <-time.After(logDelay):
	case <-s.quit:
	}
}

// write writes what waits; new lines go into spare meanwhile. It returns the room that has become free.
func (s *logSink) write(spare []byte) []byte {
	s.mu.Lock()
	text := s.text
	s.text, s.writing, s.lines = spare[:0], s.lines, 0
	s.mu.Unlock()
	if len(text) > 0 {
		_, _ = s.out.Write(text) // there is no other place to say it
	}
	s.mu.Lock()
	s.writing = 0
	s.mu.Unlock()
	return text
}

// close writes what still waits, if its reader takes it within logFlush.
func (s *logSink) close() {
	close(s.quit)
	select {
	case <-s.done:
	case <-time.After(logFlush):
	}
}
