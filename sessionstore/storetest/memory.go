package storetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// Memory is a [sessionstore.Store] in this process's memory: the yardstick of the suite, and the store for tests of those who use sessions.
// It keeps copies, so records are as separate from what they were made of as in any other store.
type Memory struct {
	now     func() time.Time
	mu      sync.Mutex
	records map[string]memoryRecord
}

type memoryRecord struct {
	data    *pyvalue.Dict
	expires time.Time
}

var (
	_ sessionstore.Store   = (*Memory)(nil)
	_ sessionstore.Lister  = (*Memory)(nil)
	_ sessionstore.Changer = (*Memory)(nil)
)

// NewMemory returns an empty store that judges expiry by now.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, records: map[string]memoryRecord{}}
}

// Load implements [sessionstore.Store].
func (m *Memory) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(ctx, key)
}

// load is Load for a caller that has the lock.
func (m *Memory) load(ctx context.Context, key string) (sessionstore.Record, error) {
	if err := ctx.Err(); err != nil {
		return sessionstore.Record{}, fmt.Errorf("load session from memory: %w", err)
	}
	rec, ok := m.records[key]
	if !ok || !rec.expires.After(m.now()) {
		return sessionstore.Record{}, sessionstore.ErrNotFound
	}
	return sessionstore.Record{Data: copyDict(rec.data), Expires: rec.expires}, nil
}

// Create implements [sessionstore.Store].
func (m *Memory) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	return m.put(ctx, key, rec, false, sessionstore.ErrExists)
}

// Update implements [sessionstore.Store].
func (m *Memory) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	return m.put(ctx, key, rec, true, sessionstore.ErrGone)
}

// put writes rec if a record being there equals want, and answers otherwise if not.
func (m *Memory) put(ctx context.Context, key string, rec sessionstore.Record, want bool, otherwise error) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("save session in memory: %w", err)
	}
	if _, there := m.records[key]; there != want {
		return "", otherwise
	}
	m.records[key] = memoryRecord{data: copyDict(rec.Data), expires: rec.Expires}
	return key, nil
}

// Change implements [sessionstore.Changer].
func (m *Memory) Change(ctx context.Context, key string, change func(sessionstore.Record) *sessionstore.Record) error {
	read := func(ctx context.Context) (sessionstore.Record, *pyvalue.Dict, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		rec, err := m.load(ctx, key)
		return rec, m.records[key].data, err
	}
	return sessionstore.ChangeBySwap(ctx, change, read, func(_ context.Context, old *pyvalue.Dict, rec sessionstore.Record) (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.records[key].data != old { // every write makes a new copy
			return false, nil
		}
		m.records[key] = memoryRecord{data: copyDict(rec.Data), expires: rec.Expires}
		return true, nil
	})
}

// Delete implements [sessionstore.Store].
func (m *Memory) Delete(ctx context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete session from memory: %w", err)
	}
	delete(m.records, key)
	return nil
}

// ClearExpired implements [sessionstore.Store].
func (m *Memory) ClearExpired(ctx context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("clear sessions in memory: %w", err)
	}
	var cleared int64
	for key, rec := range m.records {
		if rec.expires.Before(m.now()) {
			delete(m.records, key)
			cleared++
		}
	}
	return cleared, nil
}

// Keys implements [sessionstore.Lister].
func (m *Memory) Keys(ctx context.Context, yield func(key string) bool) error {
	m.mu.Lock()
	keys := make([]string, 0, len(m.records))
	for key := range m.records {
		keys = append(keys, key)
	}
	m.mu.Unlock()
	for _, key := range keys {
		if err := ctx.Err(); err != nil || !yield(key) {
			return err
		}
	}
	return nil
}

func copyDict(d *pyvalue.Dict) *pyvalue.Dict {
	c := pyvalue.NewDict()
	for _, e := range d.Entries() {
		if name, ok := e.Key.(pyvalue.Str); ok {
			c.Set(string(name), copyValue(e.Value))
		}
	}
	return c
}

func copyValue(v pyvalue.Value) pyvalue.Value {
	switch v := v.(type) {
	case *pyvalue.Dict:
		return copyDict(v)
	case *pyvalue.List:
		return &pyvalue.List{Items: copyValues(v.Items)}
	case *pyvalue.Set:
		return &pyvalue.Set{Items: copyValues(v.Items), Frozen: v.Frozen}
	case pyvalue.Tuple:
		return pyvalue.Tuple(copyValues(v))
	}
	return v
}

func copyValues(values []pyvalue.Value) []pyvalue.Value {
	c := make([]pyvalue.Value, len(values))
	for i, v := range values {
		c[i] = copyValue(v)
	}
	return c
}
