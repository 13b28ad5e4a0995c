package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"coatcheck/bench/stage"
)

const (
	probePause  = 300 * time.Microsecond // between two requests: what the delays are exact to, on a quiet machine
	warmAnswers = 3
	refusals    = 3 // in a row, until the session counts as ended
	patience    = 30 * time.Second
)

// probe asks one process with one cookie without a pause.
type probe struct {
	client      *http.Client
	url, cookie string
	letIn       atomic.Int64 // answers
	refused     atomic.Int64 // answers in a row
	stop        context.CancelFunc
	done        chan struct{}

	// To be read after close.
	served      []time.Time // when requests began that were let in
	refusedFrom time.Time   // when the first request began after which none was let in
	busy        int
	err         error
}

func newProbe(url, cookie string) *probe {
	ctx, stop := context.WithCancel(context.Background())
	p := &probe{client: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		url: url, cookie: cookie, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = p.run(ctx)
	}()
	return p
}

func (p *probe) close() {
	p.stop()
	<-p.done
	if p.client != nil {
		p.client.CloseIdleConnections()
	}
}

func (p *probe) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		status, err := p.ask(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		switch status {
		case http.StatusOK:
			p.served, p.refusedFrom = append(p.served, began), time.Time{}
			p.letIn.Add(1)
			p.refused.Store(0)
		case http.StatusUnauthorized:
			if p.refusedFrom.IsZero() {
				p.refusedFrom = began
			}
			p.refused.Add(1)
		case http.StatusServiceUnavailable:
			p.busy++
		default:
			return fmt.Errorf("ask %s: status %d", p.url, status)
		}
		time.Sleep(probePause)
	}
	return nil
}

func (p *probe) ask(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Cookie", stage.CookieName+"="+p.cookie)
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// awaitWarm returns when the process has let the session in some times.
func (p *probe) awaitWarm(ctx context.Context) error {
	return p.await(ctx, func() bool { return p.letIn.Load() >= warmAnswers })
}

// awaitRefusals returns when the process refuses.
func (p *probe) awaitRefusals(ctx context.Context) error {
	return p.await(ctx, func() bool { return p.refused.Load() >= refusals })
}

func (p *probe) await(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !holds() {
		select {
		case <-p.done:
			return fmt.Errorf("the probe has ended: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("waited for %v in vain, %d answers let in, %d refused: %w", patience, p.letIn.Load(), p.refused.Load(), ctx.Err())
		case <-time.After(probePause):
		}
	}
	return nil
}
