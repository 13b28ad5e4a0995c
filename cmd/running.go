package cmd

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/internal/audit"
	"coatcheck/internal/config"
)

// running is everything that is made of one configuration. Requests visit it; when it has been replaced, it ends after the
// last of them has left, WebSockets among them.
type running struct {
	cfg        config.Config
	parts      *parts
	handler    http.Handler
	admin      http.Handler
	api        http.Handler // nil: none
	audit      *audit.Sink  // nil: none
	background []func(ctx context.Context)

	visits atomic.Int64 // those inside, and one more until it is retired
	empty  chan struct{}
	stop   context.CancelFunc
	work   sync.WaitGroup
}

func newRunning(p *parts, handler, admin http.Handler, background ...func(context.Context)) *running {
	r := &running{cfg: p.cfg, parts: p, handler: handler, admin: admin, background: background, empty: make(chan struct{})}
	r.visits.Store(1)
	return r
}

// enter reports whether a request may come in; then it has to leave. None may after retirement.
func (r *running) enter() bool {
	for n := r.visits.Load(); n > 0; n = r.visits.Load() {
		if r.visits.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

func (r *running) leave() {
	if r.visits.Add(-1) == 0 {
		close(r.empty)
	}
}

// start begins the work that goes on beside the requests.
func (r *running) start() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	for _, work := range r.background {
		r.work.Go(func() { work(ctx) })
	}
}

// retire ends what start began, waits until the last request has left or cut is closed, and closes what was opened.
func (r *running) retire(cut <-chan struct{}) error {
	r.stop()
	r.work.Wait()
	r.leave()
	select {
	case <-r.empty:
	case <-cut:
	}
	return r.parts.close()
}

// prepare makes what is missing in the databases, by begin. Those that cannot be reached are waited for in the background;
// until then protected requests are answered 503.
func (r *running) prepare(ctx context.Context, begin func(ctx context.Context) error) error {
	err := begin(ctx)
	if err == nil || r.parts.reachable(ctx) || ctx.Err() != nil {
		return err
	}
	r.background = append(r.background, func(ctx context.Context) { r.await(ctx, begin, err) })
	return nil
}

// storeRetry is how often a database that was down at the start is asked again.
const storeRetry = time.Second

func (r *running) await(ctx context.Context, begin func(ctx context.Context) error, err error) {
	log := r.parts.log
	log.Warn("the database cannot be reached; waiting for it", "err", err)
	for err != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(storeRetry):
		}
		if err = begin(ctx); err != nil && r.parts.reachable(ctx) {
			log.Error("the database is there, but cannot be used; correct it or the configuration", "err", err)
		}
	}
	log.Info("the database is there")
}
