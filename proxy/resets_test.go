package proxy

import (
	"context"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

var h2Get = []string{":method", "GET", ":scheme", "https", ":authority", "example.com", ":path", "/"}

// open begins a request on a stream of its own.
func (c *h2Conn) open(fields ...string) {
	c.t.Helper()
	c.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	block, first := c.block.Bytes(), true
	for first || len(block) > 0 {
		part := block[:min(len(block), 16<<10)]
		block = block[len(part):]
		var err error
		if first {
			err = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: c.stream, BlockFragment: part, EndHeaders: len(block) == 0, EndStream: true})
		} else {
			err = c.framer.WriteContinuation(c.stream, len(block) == 0, part)
		}
		if err != nil {
			return // the connection was ended; the reader sees how
		}
		first = false
	}
	c.stream += 2
}

// Rapid reset (CVE-2023-44487): requests that are begun and cancelled at once.
func TestResetBudget_R8(t *testing.T) {
	g := publicRig(t)
	begun := make(chan struct{}, 1024)
	g.app.serve(func(_ http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
	})
	s := tlsRig(t, g)
	c := dialH2(t, s.Listener.Addr().String(), s.Client().Transport.(*http.Transport).TLSClientConfig)
	gone := make(chan bool, 1)
	go func() {
		for {
			frame, err := c.framer.ReadFrame()
			if _, away := frame.(*http2.GoAwayFrame); away || err != nil {
				gone <- away
				return
			}
		}
	}()
	sent := 0
	for ; sent < 4*resetBudget; sent++ {
		c.open(h2Get...)
		select {
		case <-begun:
			_ = c.framer.WriteRSTStream(c.stream-2, http2.ErrCodeCancel)
			continue
		case away := <-gone:
			if !away {
				t.Error("the connection ended without GOAWAY")
			}
		case <-time.After(20 * time.Second):
			t.Error("neither an answer nor GOAWAY")
		}
		break
	}
	if sent < resetBudget || sent > 2*resetBudget {
		t.Errorf("%d requests could be cancelled, want about %d", sent, resetBudget)
	}
}

func TestResetsOfAMinute(t *testing.T) {
	b, now := new(resets), time.Unix(0, 0).Add(time.Hour)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "/", nil)
	b.note(r, now)
	if b.count != 0 {
		t.Error("a request that was not cancelled counts")
	}
	r = cancelled(r)
	for range 3 { // of minutes
		for range resetBudget {
			b.note(r, now)
		}
		now = now.Add(resetWindow + time.Second)
	}
	if b.spent() {
		t.Error("the budget of one minute is spent in three")
	}
	for range resetBudget + 1 {
		b.note(r, now)
	}
	if !b.spent() {
		t.Error("the budget is not spent")
	}
}

func cancelled(r *http.Request) *http.Request {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	return r.WithContext(ctx)
}

func TestHTTP2Limits_R8(t *testing.T) {
	g := publicRig(t)
	s := tlsRig(t, g)
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig
	c := dialH2(t, s.Listener.Addr().String(), roots)
	settings := map[http2.SettingID]uint32{}
	for len(settings) == 0 {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := frame.(*http2.SettingsFrame); ok {
			_ = f.ForeachSetting(func(s http2.Setting) error { settings[s.ID] = s.Val; return nil })
		}
	}
	if got := settings[http2.SettingMaxConcurrentStreams]; got != 100 {
		t.Errorf("streams: %d, want 100", got)
	}
	if got := settings[http2.SettingMaxHeaderListSize]; got == 0 || got > 70<<10 {
		t.Errorf("header list: %d, want about 64 KiB", got)
	}
	large := make([]byte, 30<<10)
	for i := range large {
		large[i] = 'a'
	}
	fields := append([]string{}, h2Get...)
	for _, name := range []string{"x-a", "x-b", "x-c"} {
		fields = append(fields, name, string(large))
	}
	c.open(fields...)
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			break // ended: not served
		}
		if f, ok := frame.(*http2.MetaHeadersFrame); ok {
			if status := f.PseudoValue("status"); status != "431" {
				t.Errorf("90 KiB of headers: %s", status)
			}
			break
		}
	}
	if saw := g.app.taken(); saw != nil {
		t.Error("90 KiB of headers reached the upstream")
	}
}
