package fastcgi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzAnswer reads whatever an application may send: no panic, no endless loop, no more output than was sent, an end only where
// there was one, and the same outcome however the bytes arrive.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(record(typeStdout, html+"hello") + record(typeStderr, "oops") + end(0)))
	f.Add([]byte("\x01\x06\x00\x01\x00\x06\x03\x00A: b\n\nxyz" + record(typeStdout, "") + end(0)))
	f.Add([]byte(record(typeStdout, "x") + end(2)))
	f.Add([]byte(record(typeStdout, "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(in io.Reader) (string, error) {
			out := stdout{records: records{in: bufio.NewReader(in)}, stderr: func(string) {}}
			text, err := io.ReadAll(&out)
			return string(text), err
		}
		text, err := read(bytes.NewReader(data))
		if len(text) > len(data) {
			t.Errorf("%d bytes of output from %d", len(text), len(data))
		}
		if err == nil && !bytes.Contains(data, []byte{version, typeEnd, 0, requestID, 0, endLen}) {
			t.Errorf("%q counts as whole", data)
		}
		slow, slowErr := read(iotest.OneByteReader(bytes.NewReader(data)))
		if slow != text || (slowErr == nil) != (err == nil) {
			t.Errorf("byte by byte %q, %v, at once %q, %v", slow, slowErr, text, err)
		}
	})
}

// FuzzHeader: whatever header comes through can be written as HTTP without becoming two, and the body is what follows.
func FuzzHeader(f *testing.F) {
	f.Add("Status: 404 Not Found\r\nX-A: b\r\n\r\nbody")
	f.Add("Location: /x\n\n")
	f.Add("Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc")
	f.Add("HTTP/1.1 200 OK\r\n\r\n")
	f.Add("a:b\r\n c\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		in := bufio.NewReader(strings.NewReader(text))
		h, err := readHead(in)
		if err != nil {
			if !errors.Is(err, errHeader) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v is neither malformed nor cut", text, err)
			}
			return
		}
		if h.status < 200 || h.status > 999 || strings.ContainsAny(h.reason, "\r\n\x00") {
			t.Errorf("%q: status %d %q", text, h.status, h.reason)
		}
		for name, values := range h.header {
			if strings.ContainsAny(name, " :\r\n\x00") || strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("%q: field %q: %q", text, name, values)
			}
		}
		if n, err := h.length(); err == nil && n < -1 {
			t.Errorf("%q: length %d", text, n)
		}
		if rest, _ := io.ReadAll(in); !strings.HasSuffix(text, string(rest)) {
			t.Errorf("%q: body %q", text, rest)
		}
	})
}

// FuzzParams: a name and a value of any length are read back by a server of another make (see TestExchange for real ones).
func FuzzParams(f *testing.F) {
	f.Add("A", "b", 127)
	f.Add("", "", 128)
	f.Fuzz(func(t *testing.T, name, value string, pad int) {
		value += strings.Repeat("x", max(0, pad)%70_000)
		data := appendParams(nil, []Param{{name, value}, {"LAST", "1"}})
		n, data := readLength(data)
		v, data := readLength(data)
		if n != len(name) || v != len(value) || string(data[:n+v]) != name+value || string(data[n+v:]) != "\x04\x01LAST1" {
			t.Errorf("%q=%d bytes was written as lengths %d and %d", name, len(value), n, v)
		}
	})
}

func readLength(b []byte) (int, []byte) {
	if b[0] < 1<<7 {
		return int(b[0]), b[1:]
	}
	return int(b[0]&0x7f)<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]), b[4:]
}
