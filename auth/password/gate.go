package password

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/semaphore"
)

const (
	// queuePerSlot: with Django's default hash the last in the queue waits some four seconds.
	queuePerSlot = 16
	// defaultMemory admits one of Django's argon2 hashes (100 MiB) at a time; it uses all cores by itself.
	defaultMemory = 128 << 20
	// collectFrom: what a check of so many bytes leaves behind is collected before the next one may begin. Otherwise the collector lets
	// several of them pile up. It costs milliseconds, such a check some hundred.
	collectFrom = 16 << 20
)

// Limits bound what password checks take from the machine (ASVS 15.2.2). Zero fields mean the default.
type Limits struct {
	Concurrency int   // checks at a time; default: the number of cores
	Queue       int   // checks that may wait for a turn; default: 16 for each that runs; negative: none
	Memory      int64 // bytes that argon2, scrypt and yescrypt take together; a hash that needs more runs alone; default: 128 MiB
	// Begin is called as a check begins to work, End when it is done; nil: nothing is.
	Begin, End func()
}

// gate lets a bounded number of checks run and a bounded number wait.
type gate struct {
	places chan struct{} // of those who run or wait
	slots  *semaphore.Weighted
	memory *semaphore.Weighted
	budget int64
	begin  func()
	end    func()
}

func newGate(l Limits) *gate {
	if l.Concurrency <= 0 {
		l.Concurrency = runtime.GOMAXPROCS(0)
	}
	if l.Queue == 0 {
		l.Queue = queuePerSlot * l.Concurrency
	}
	if l.Memory <= 0 {
		l.Memory = defaultMemory
	}
	if l.Begin == nil || l.End == nil {
		l.Begin, l.End = func() {}, func() {}
	}
	return &gate{
		places: make(chan struct{}, l.Concurrency+max(l.Queue, 0)),
		slots:  semaphore.NewWeighted(int64(l.Concurrency)),
		memory: semaphore.NewWeighted(l.Memory),
		budget: l.Memory,
		begin:  l.Begin,
		end:    l.End,
	}
}

// enter waits for a turn; the caller calls leave afterwards. The error is ErrBusy at once when the queue is full, or ctx's.
func (g *gate) enter(ctx context.Context, memory int64) (leave func(), err error) {
	select {
	case g.places <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	if err := g.slots.Acquire(ctx, 1); err != nil {
		<-g.places
		return nil, fmt.Errorf("wait for a password check: %w", err)
	}
	memory = min(memory, g.budget)
	if err := g.memory.Acquire(ctx, memory); err != nil {
		g.slots.Release(1)
		<-g.places
		return nil, fmt.Errorf("wait for memory for a password check: %w", err)
	}
	g.begin()
	return func() {
		g.end()
		if memory >= collectFrom {
			runtime.GC()
		}
		g.memory.Release(memory)
		g.slots.Release(1)
		<-g.places
	}, nil
}

// load says how many checks run or wait, and how many may.
func (g *gate) load() (checks, limit int) { return len(g.places), cap(g.places) }
