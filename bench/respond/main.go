// Respond is the upstream of the benchmarks: it answers every request without a body with the same 1 KiB, from one thread and without net/http, so that
// it never is what bounds a measurement. It understands keep-alive and pipelining, and nothing else of HTTP: only our own proxies talk to it.
//
//	respond 127.0.0.1:9000
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"coatcheck/bench/wire"
)

const size = 1024 // bytes of the answer's body

// question begins the requests of proxies that ask first whether a request may pass. They are answered yes, without a body: nginx closes a connection
// whose answer it did not read to its end.
const question = "GET /verify"

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: respond HOST:PORT")
		os.Exit(2)
	}
	if err := respond(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "respond:", err)
		os.Exit(1)
	}
}

func answer(size int) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
		size, strings.Repeat("x", size))
}

// respond serves until it fails.
func respond(addr string) error {
	listener, err := wire.Listen(addr)
	if err != nil {
		return err
	}
	poll, err := wire.NewPoll()
	if err != nil {
		return err
	}
	if err := poll.Add(listener); err != nil {
		return err
	}
	return serve(poll, listener)
}

func serve(poll *wire.Poll, listener int) error {
	v := &visitor{page: answer(size), yes: answer(0), buf: make([]byte, 64<<10), partial: map[int][]byte{}}
	for {
		ready, err := poll.Wait(-1)
		if err != nil {
			return err
		}
		for _, fd := range ready {
			if fd == listener {
				if err := poll.Accept(listener); err != nil {
					return err
				}
				continue
			}
			if !v.visit(fd) {
				delete(v.partial, fd)
				wire.Close(fd)
			}
		}
	}
}

type visitor struct {
	page, yes, buf []byte
	partial        map[int][]byte // by connection, of requests whose end has not come
}

// visit reads what there is and answers each request that is whole. It reports whether the connection goes on.
func (v *visitor) visit(fd int) bool {
	n, err := wire.Read(fd, v.buf)
	if err == wire.ErrAgain {
		return true
	}
	if err != nil || n == 0 {
		return false
	}
	data := v.buf[:n]
	if rest := v.partial[fd]; len(rest) > 0 {
		data = append(rest, data...)
	}
	for {
		end := bytes.Index(data, []byte("\r\n\r\n"))
		if end < 0 {
			break
		}
		reply := v.page
		if bytes.HasPrefix(data, []byte(question)) {
			reply = v.yes
		}
		data = data[end+4:]
		if wire.Write(fd, reply) != nil {
			return false
		}
	}
	if len(data) > 0 || len(v.partial[fd]) > 0 {
		v.partial[fd] = append([]byte(nil), data...)
	}
	return true
}
