package upstream

import (
	"context"
	"errors"
	"io"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"
	"time"

	"coatcheck/proxy/upstream/direct"
)

// maxInterim is how many interim answers (1xx) may come before the answer. Each of them is passed on to the client at once, which is
// why net/http leaves the counting to us.
const maxInterim = 100

// watch ends a request whose upstream goes on for ever, or stops in the middle.
type watch struct {
	stall   time.Duration
	cancel  context.CancelCauseFunc
	timer   *time.Timer // nil: any silence is fine
	interim atomic.Int32
	over    chan struct{} // closed by end; nil where nobody counts
}

// newWatch makes one that does not run yet; stall 0 is no limit.
func newWatch(stall time.Duration, cancel context.CancelCauseFunc) *watch {
	w := &watch{stall: stall, cancel: cancel}
	if stall > 0 {
		w.timer = time.AfterFunc(stall, func() { cancel(direct.ErrStall) })
		w.timer.Stop()
	}
	return w
}

// limitInterim counts where somebody listens; net/http limits their bytes where nobody does. The one too many is held back until the
// request has ended, or the flood would go on meanwhile.
func (w *watch) limitInterim(ctx context.Context) context.Context {
	if trace := httptrace.ContextClientTrace(ctx); trace == nil || trace.Got1xxResponse == nil {
		return ctx
	}
	w.over = make(chan struct{})
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error {
		if w.interim.Add(1) > maxInterim {
			w.cancel(direct.ErrInterim)
			<-w.over
		}
		return nil
	}})
}

// begin is called before a read of the answer's body.
func (w *watch) begin() {
	if w.timer != nil {
		w.timer.Reset(w.stall)
	}
}

// pause is called after a read, with its error.
func (w *watch) pause(err error) error {
	if w.timer == nil || w.timer.Stop() {
		return err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return direct.ErrStall
	}
	return err
}

func (w *watch) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.cancel(nil)
	if w.over != nil {
		close(w.over)
	}
}
