package upstream

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"time"
)

// maxInterim is how many interim answers (1xx) may come before the answer. Each of them is passed on to the client at once, which is
// why net/http leaves the counting to us.
const maxInterim = 100

var errInterim = errors.New("the upstream sends interim answers (1xx) without end")

// watch ends a request whose upstream goes on for ever, or stops in the middle.
type watch struct {
	stall   time.Duration // 0: no limit
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	interim atomic.Int32
}

// limitInterim counts where somebody listens; net/http limits their bytes where nobody does.
func (w *watch) limitInterim(ctx context.Context) context.Context {
	if trace := httptrace.ContextClientTrace(ctx); trace == nil || trace.Got1xxResponse == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
		if w.interim.Add(1) > maxInterim {
			w.cancel(errInterim)
		}
		return nil
	}})
}

// begin is called before a read of the answer's body.
func (w *watch) begin() {
	switch {
	case w.stall == 0:
	case w.timer == nil:
		w.timer = time.AfterFunc(w.stall, func() { w.cancel(stallError{}) })
	default:
		w.timer.Reset(w.stall)
	}
}

// pause is called after a read, with its error.
func (w *watch) pause(err error) error {
	if w.timer == nil || w.timer.Stop() {
		return err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return stallError{}
	}
	return err
}

func (w *watch) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
}
