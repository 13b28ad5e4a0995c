package cmd

import (
	"io"
	"time"
)

const (
	logLines = 4096        // that may wait for a reader of the log: about two megabytes
	logFlush = time.Second // at the end
)

// logSink writes lines to a log whose reader may be slow, or gone: requests never wait for it (F32). Lines beyond those that may wait are
// dropped, and counted.
type logSink struct {
	out     io.Writer
	dropped func()
	lines   chan []byte
	quit    chan struct{}
	done    chan struct{}
}

func newLogSink(out io.Writer, dropped func()) *logSink {
	s := &logSink{out: out, dropped: dropped, lines: make(chan []byte, logLines), quit: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

// Write implements [io.Writer] for the line of one record, which it keeps a copy of.
func (s *logSink) Write(line []byte) (int, error) {
	select {
	case s.lines <- append([]byte(nil), line...):
	default:
		s.dropped()
	}
	return len(line), nil
}

func (s *logSink) run() {
	defer close(s.done)
	for {
		select {
		case line := <-s.lines:
			_, _ = s.out.Write(line) // there is no other place to say it
			continue
		default:
		}
		select {
		case line := <-s.lines:
			_, _ = s.out.Write(line)
		case <-s.quit:
			return
		}
	}
}

// close writes what still waits, if its reader takes it within logFlush.
func (s *logSink) close() {
	close(s.quit)
	select {
	case <-s.done:
	case <-time.After(logFlush):
	}
}
