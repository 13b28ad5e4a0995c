package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"coatcheck/bench/stage"
	"coatcheck/bench/wire"
)

const (
	h2Conns   = 8
	h2Streams = conns / h2Conns // at once, of each connection
	h2Window  = 1 << 30         // bytes that a server may send before it is told to go on
)

// loadH2 is the load over HTTP/2 and TLS: as many requests at once as over HTTP/1.1, on fewer connections, as browsers do.
func loadH2(addr string, cookies []string, d time.Duration) (wire.Result, error) {
	if len(cookies) == 0 {
		cookies = []string{"none"}
	}
	var lock sync.Mutex
	var total wire.Result
	var errs []error
	began := time.Now()
	var group sync.WaitGroup
	for i := range h2Conns {
		group.Go(func() {
			result, err := loadH2Conn(addr, cookies[i%len(cookies)], began.Add(d))
			lock.Lock()
			defer lock.Unlock()
			errs = append(errs, err)
			total.Answers, total.Others = total.Answers+result.Answers, total.Others+result.Others
			total.Other = max(total.Other, result.Other)
			total.Latencies = append(total.Latencies, result.Latencies...)
		})
	}
	group.Wait()
	total.Elapsed = time.Since(began)
	return total, errors.Join(errs...)
}

// h2Conn is a connection with its requests.
type h2Conn struct {
	out     *bufio.Writer
	in      *bufio.Reader
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	fields  []hpack.HeaderField
	next    uint32 // stream
	began   map[uint32]time.Time
	result  wire.Result
	eaten   int // bytes of bodies since the server was last told to go on
}

func loadH2Conn(addr, cookie string, until time.Time) (wire.Result, error) {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}, ServerName: "localhost"}) // the lab's own certificate
	if err != nil {
		return wire.Result{}, err
	}
	defer conn.Close()
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		return wire.Result{}, errors.New("the proxy does not speak HTTP/2")
	}
	c := newH2Conn(conn, cookie)
	if err := c.greet(); err != nil {
		return wire.Result{}, err
	}
	for len(c.began) > 0 {
		if c.in.Buffered() == 0 {
			if err := c.out.Flush(); err != nil {
				return c.result, err
			}
		}
		if err := c.frame(until); err != nil {
			return c.result, err
		}
	}
	return c.result, nil
}

func newH2Conn(conn *tls.Conn, cookie string) *h2Conn {
	c := &h2Conn{out: bufio.NewWriter(conn), in: bufio.NewReaderSize(conn, 64<<10), next: 1, began: map[uint32]time.Time{}}
	c.framer = http2.NewFramer(c.out, c.in)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.block)
	c.fields = []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: authority(conn.RemoteAddr())}, {Name: ":path", Value: "/"},
		{Name: "user-agent", Value: userAgent}, {Name: "accept", Value: "*/*"}, {Name: "cookie", Value: stage.CookieName + "=" + cookie}}
	return c
}

func (c *h2Conn) greet() error {
	_, err := c.out.WriteString(http2.ClientPreface)
	err = errors.Join(err, c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: h2Window}, http2.Setting{ID: http2.SettingEnablePush, Val: 0}),
		c.framer.WriteWindowUpdate(0, h2Window))
	for range h2Streams {
		err = errors.Join(err, c.ask())
	}
	return err
}

func (c *h2Conn) ask() error {
	c.block.Reset()
	for _, field := range c.fields {
		if err := c.encoder.WriteField(field); err != nil {
			return err
		}
	}
	c.began[c.next] = time.Now()
	err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.next, BlockFragment: c.block.Bytes(), EndStream: true, EndHeaders: true})
	c.next += 2
	return err
}

// frame reads one frame.
func (c *h2Conn) frame(until time.Time) error {
	frame, err := c.framer.ReadFrame()
	if err != nil {
		return err
	}
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return c.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		return c.framer.WritePing(true, f.Data)
	case *http2.MetaHeadersFrame:
		if status := f.PseudoValue("status"); status == "200" {
			c.result.Answers++
		} else {
			c.result.Others++
			c.result.Other = status
		}
		if f.StreamEnded() {
			return c.answered(f.StreamID, until)
		}
	case *http2.DataFrame:
		if err := c.eat(len(f.Data())); err != nil {
			return err
		}
		if f.StreamEnded() {
			return c.answered(f.StreamID, until)
		}
	case *http2.RSTStreamFrame:
		return fmt.Errorf("stream reset: %v", f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Errorf("told to go away: %v", f.ErrCode)
	}
	return nil
}

func (c *h2Conn) eat(n int) error {
	if c.eaten += n; c.eaten < h2Window/16 {
		return nil
	}
	n, c.eaten = c.eaten, 0
	return c.framer.WriteWindowUpdate(0, uint32(n))
}

func (c *h2Conn) answered(stream uint32, until time.Time) error {
	now := time.Now()
	c.result.Latencies = append(c.result.Latencies, now.Sub(c.began[stream]))
	delete(c.began, stream)
	if now.After(until) {
		return nil
	}
	return c.ask()
}

// authority names the host as SNI does; a proxy may answer 421 to any other.
func authority(addr net.Addr) string {
	text := addr.String()
	return "localhost" + text[strings.LastIndexByte(text, ':'):]
}
