package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Load is a closed loop of HTTP/1.1 requests on kept connections: each connection sends its next request when its last was answered.
type Load struct {
	Addr     string   // host:port
	Conns    int      // connections at once
	Requests [][]byte // whole, as they go over the wire; taken in turn
	Total    int      // of requests; 0: until the time is over
}

// Result is what a load has measured.
type Result struct {
	Answers   int    // with status 200
	Others    int    // with another status
	Other     string // the first line of one of them
	Elapsed   time.Duration
	Latencies []time.Duration // of each answer, unordered
}

// errBroken is the end of a connection in the midst of an answer.
var errBroken = errors.New("connection closed by the proxy")

// loop is a running load.
type loop struct {
	Load
	poll   *Poll
	conns  map[int]*conn
	buf    []byte
	next   int
	result Result
	ending bool
}

type conn struct {
	began time.Time
	busy  bool
	head  []byte // an answer's beginning, until its header is whole
	body  int    // bytes still to come
	ok    bool
	first string // line of an answer that is not ok
}

// Run sends requests for at most d.
func (l Load) Run(d time.Duration) (Result, error) {
	poll, err := NewPoll()
	if err != nil {
		return Result{}, err
	}
	r := &loop{Load: l, poll: poll, conns: map[int]*conn{}, buf: make([]byte, 64<<10)}
	defer r.close()
	for range l.Conns {
		if err := r.connect(); err != nil {
			return Result{}, err
		}
	}
	began := time.Now()
	if err := r.run(began.Add(d)); err != nil {
		return Result{}, err
	}
	r.result.Elapsed = time.Since(began)
	return r.result, nil
}

func (r *loop) connect() error {
	fd, err := Dial(r.Addr)
	if err != nil {
		return err
	}
	r.conns[fd] = &conn{}
	return r.poll.Add(fd)
}

func (r *loop) close() {
	for fd := range r.conns {
		Close(fd)
	}
	r.poll.Close()
}

// run goes on until every connection has its last answer.
func (r *loop) run(until time.Time) error {
	for fd, c := range r.conns {
		if err := r.send(fd, c); err != nil {
			return err
		}
	}
	for r.busy() {
		ready, err := r.poll.Wait(100)
		if err != nil {
			return err
		}
		now := time.Now()
		r.ending = r.ending || now.After(until)
		if now.After(until.Add(30 * time.Second)) {
			return errors.New("no answer in 30 s")
		}
		for _, fd := range ready {
			if err := r.visit(fd); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *loop) busy() bool {
	if !r.ending {
		return true
	}
	for _, c := range r.conns {
		if c.busy {
			return true
		}
	}
	return false
}

func (r *loop) send(fd int, c *conn) error {
	if r.Total > 0 && r.next == r.Total {
		r.ending = true
	}
	if r.ending {
		return nil
	}
	request := r.Requests[r.next%len(r.Requests)]
	r.next++
	c.began, c.busy = time.Now(), true
	return Write(fd, request)
}

func (r *loop) visit(fd int) error {
	c := r.conns[fd]
	n, err := Read(fd, r.buf)
	if err == ErrAgain {
		return nil
	}
	if err != nil || n == 0 {
		return errors.Join(errBroken, err)
	}
	done, err := c.take(r.buf[:n])
	if err != nil || !done {
		return err
	}
	c.busy = false
	if c.ok {
		r.result.Answers++
		r.result.Latencies = append(r.result.Latencies, time.Since(c.began))
	} else {
		r.result.Others++
		r.result.Other = c.first
	}
	return r.send(fd, c)
}

// take reads a piece of an answer and reports whether it was the last.
func (c *conn) take(data []byte) (bool, error) {
	if c.body > 0 {
		c.body -= len(data)
		return c.body <= 0, nil
	}
	if len(c.head) > 0 {
		data = append(c.head, data...)
	}
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		c.head = append([]byte(nil), data...)
		return false, nil
	}
	c.head = nil
	length, err := contentLength(data[:end+2])
	if err != nil {
		return false, err
	}
	if c.ok = bytes.HasPrefix(data, []byte("HTTP/1.1 200 ")); !c.ok {
		first, _, _ := bytes.Cut(data, []byte("\r\n"))
		c.first = string(first)
	}
	c.body = length - (len(data) - end - 4)
	return c.body <= 0, nil
}

// contentLength finds the length of the body. Proxies that pass a length on as chunks are not to be found here.
func contentLength(head []byte) (int, error) {
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && len(name) == len("content-length") && bytes.EqualFold(name, []byte("content-length")) {
			return strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	return 0, fmt.Errorf("answer without a length: %.200q", head)
}
