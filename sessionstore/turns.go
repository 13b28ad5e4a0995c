package sessionstore

import (
	"context"
	"sync"
)

// turns lets one caller at a time have a key.
type turns struct {
	mu   sync.Mutex
	keys map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one token while nobody has the key
	users int           // who have it or wait for it
}

// enter waits for the key, at most until ctx ends. The function it returns gives the key back.
func (t *turns) enter(ctx context.Context, key string) (leave func(), err error) {
	mine := t.queue(key)
	select {
	case <-mine.free:
		return func() { mine.free <- struct{}{}; t.drop(key, mine) }, nil
	case <-ctx.Done():
		t.drop(key, mine)
		return nil, ctx.Err()
	}
}

func (t *turns) queue(key string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := t.keys[key]
	if mine == nil {
		mine = &turn{free: make(chan struct{}, 1)}
		mine.free <- struct{}{}
		if t.keys == nil {
			t.keys = map[string]*turn{}
		}
		t.keys[key] = mine
	}
	mine.users++
	return mine
}

func (t *turns) drop(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.keys, key)
	}
}
