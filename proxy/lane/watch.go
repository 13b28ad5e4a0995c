package lane

import (
	"context"
	"sync"
	"time"
)

// watchAfter is how long a request may take before its client is watched. Nearly all are answered by then, and cost no second reader.
const watchAfter = 10 * time.Millisecond

// watch notices a client that leaves while its request is served, if that takes long.
type watch struct {
	conn  *conn
	timer *time.Timer // nil: no request yet

	mu      sync.Mutex
	cancel  context.CancelCauseFunc // nil: nothing is served
	reading bool
	ending  bool      // reading is being made to end
	settled sync.Cond // reading has become false
	touched bool      // the read deadline was changed
	ahead   []byte    // read of the next request
}

func (w *watch) init(c *conn) {
	w.conn = c
	w.settled.L = &w.mu
}

func (w *watch) begin(cancel context.CancelCauseFunc) {
	w.mu.Lock()
	w.cancel = cancel
	w.mu.Unlock()
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.look)
		return
	}
	w.timer.Reset(watchAfter)
}

// look reads until the request has been served: a byte is one of the next request, an error is the client's end.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel == nil || w.reading || w.ending {
		return
	}
	w.reading, w.touched = true, true
	_ = w.conn.rwc.SetReadDeadline(time.Time{})
	w.mu.Unlock()
	var one [1]byte
	n, err := w.conn.rwc.Read(one[:])
	w.mu.Lock()
	w.ahead = append(w.ahead, one[:n]...)
	if err != nil && !w.ending && w.cancel != nil {
		w.cancel(nil)
	}
	w.reading = false
	w.settled.Broadcast()
}

// end stops the watch and hands on what it has read.
func (w *watch) end() {
	w.timer.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cancel = nil
	if w.reading {
		w.ending = true
		_ = w.conn.rwc.SetReadDeadline(time.Unix(1, 0))
		for w.reading {
			w.settled.Wait()
		}
		w.ending = false
	}
	if w.touched {
		w.conn.deadline(0)
		w.conn.buf, w.ahead, w.touched = append(w.conn.buf, w.ahead...), nil, false
	}
}

// giveUp cancels what is served.
func (w *watch) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel(nil)
	}
}
