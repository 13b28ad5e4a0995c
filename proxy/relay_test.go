package proxy

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRelay(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 10<<10) // more than the large buffer holds
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		src  io.Reader
		want string
		err  error
	}{
		{"nothing", strings.NewReader(""), "", nil},
		{"a message", strings.NewReader("hello"), "hello", nil},
		{"exactly the small buffer", strings.NewReader(text[:quietBuffer]), text[:quietBuffer], nil},
		{"much", strings.NewReader(text), text, nil},
		{"byte by byte", iotest.OneByteReader(strings.NewReader("hello")), "hello", nil},
		{"data with the end", iotest.DataErrReader(strings.NewReader(text)), text, nil},
		{"broken", io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), text, broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got bytes.Buffer
			n, err := new(buffers).relay(&got, c.src)
			if got.String() != c.want || n != int64(len(c.want)) || !errors.Is(err, c.err) {
				t.Errorf("passed %d bytes, counted %d, %v; want %d and %v", got.Len(), n, err, len(c.want), c.err)
			}
		})
	}
}

type noMore struct{ left int }

func (w *noMore) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	if w.left -= n; n < len(p) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

func TestRelayReaderGone(t *testing.T) {
	n, err := new(buffers).relay(&noMore{3000}, strings.NewReader(strings.Repeat("x", 10000)))
	if n != 3000 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%d, %v; want 3000 bytes and that the pipe is closed", n, err)
	}
}

// What is open and silent holds little; what streams holds what is fast.
func TestBuffersOfAnswers(t *testing.T) {
	var pool buffers
	download, events := &errand{buffers: &pool}, &errand{buffers: &pool}
	events.flight.long.Store(true)
	for name, c := range map[string]struct {
		of   *errand
		want int
	}{"download": {download, len(buffer{})}, "event stream": {events, quietBuffer}} {
		buf := c.of.Get()
		if len(buf) != c.want {
			t.Errorf("%s: %d bytes, want %d", name, len(buf), c.want)
		}
		c.of.Put(buf)
	}
}
