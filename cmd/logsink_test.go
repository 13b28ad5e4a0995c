package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

func TestBlockedLog_F32(t *testing.T) {
	reader, writer := io.Pipe()
	var dropped atomic.Int64
	s := newLogSink(writer, func() { dropped.Add(1) })
	const extra = 100
	for i := range logLines + extra { // nobody reads, and no call waits
		if _, err := fmt.Fprintf(s, "line %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	// The line that is being written, if it is, has left the queue.
	if n := dropped.Load(); n != extra && n != extra-1 {
		t.Errorf("dropped %d lines, want the %d that were too many", n, extra)
	}
	read := make(chan string)
	go func() {
		var text bytes.Buffer
		_, _ = io.Copy(&text, reader)
		read <- text.String()
	}()
	s.close()
	writer.Close()
	lines := strings.Split(strings.TrimSpace(<-read), "\n")
	if int64(len(lines)) != logLines+extra-dropped.Load() || lines[0] != "line 0" || lines[100] != "line 100" {
		t.Errorf("%d lines arrived, from %q on; want all that were not dropped, in order", len(lines), lines[0])
	}
}

func TestDeadLogDoesNotHoldUpTheEnd_F32(t *testing.T) {
	_, writer := io.Pipe()
	s := newLogSink(writer, func() {})
	_, _ = s.Write([]byte("nobody reads\n"))
	s.close()
	writer.Close()
	<-s.done
}
