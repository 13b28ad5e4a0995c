package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"coatcheck/bench/wire"
)

// Requests in one piece, in pieces and of the other kind are answered in turn. The responder has no end; it goes with the test.
func TestRespond(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	fd, err := wire.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	poll, err := wire.NewPoll()
	if err != nil {
		t.Fatal(err)
	}
	if err := poll.Add(fd); err != nil {
		t.Fatal(err)
	}
	go serve(poll, fd)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for _, step := range []struct {
		send string
		want []int64 // lengths of the answers
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", []int64{size}},
		{"GET / HTTP/1.1\r\n", nil},
		{"Host: a\r\n\r", nil},
		{"\nGET /verify HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", []int64{size, 0, size}},
	} {
		if _, err := io.WriteString(conn, step.send); err != nil {
			t.Fatal(err)
		}
		for _, want := range step.want {
			res, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, res.Body); n != want || err != nil {
				t.Errorf("%q: got a body of %d bytes, %v; want %d", step.send, n, err, want)
			}
		}
	}
}
