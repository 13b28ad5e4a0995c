package proxy

import (
	"context"
	"net/http"

	"coatcheck/proxy/facts"
)

// requestContext is the context of a request: one for everything that is to be found in it, where a chain of values would cost an
// allocation and a step of each look-up for each of them.
type requestContext struct {
	context.Context
	rec *record
}

type (
	recordKey struct{}
	errandKey struct{}
	endKey    struct{}
)

// ender is a server's context that can be ended by whom it was given to, as those of proxy/lane can.
type ender interface{ CancelCause(cause error) }

// Value implements [context.Context].
func (c *requestContext) Value(key any) any {
	switch key.(type) {
	case recordKey:
		return c.rec
	case endKey:
		return c.Context
	case facts.Key:
		return &c.rec.Facts
	case errandKey:
		if c.rec.errand.guard != nil {
			return &c.rec.errand
		}
		return nil
	}
	return c.Context.Value(key)
}

func recordOf(ctx context.Context) *record { return ctx.Value(recordKey{}).(*record) }

// errandOf is nil before a request is on its way to an upstream.
func errandOf(ctx context.Context) *errand {
	e, _ := ctx.Value(errandKey{}).(*errand)
	return e
}

// carry is r with the record in its context. The copy lies in the record, too.
func (w *record) carry(r *http.Request) *http.Request {
	w.context = requestContext{r.Context(), w}
	w.request = *r.WithContext(&w.context)
	return &w.request
}
