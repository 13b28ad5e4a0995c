package cmd

import (
	"runtime"
	"sync"

	"coatcheck/internal/config"
)

// argonLanes is how many threads one of Django's argon2 hashes takes.
const argonLanes = 8

// room lets requests run while passwords are hashed: as many goroutines more may run as hashing can take. The operating system then
// shares the cores among them, and prefers those that run shortly; Go's scheduler would let each hash run for 10 ms before it looks at a
// request, and once more at each of its steps (bench/LOGINS.md). Between hashes nothing is widened: more threads than cores make each
// request dearer (bench/REPORT.md). Changing it stops the process for some 20 µs, a hash takes a thousand times that.
type room struct {
	cores int // that Go found at the start

	mu      sync.Mutex
	wide    int
	hashing int
}

func newRoom() *room { return &room{cores: runtime.GOMAXPROCS(0)} }

// fit is for hashing as cfg allows it, and says in cfg how much that is.
func (r *room) fit(cfg config.Config) config.Config {
	if cfg.Login.HashConcurrency == 0 {
		cfg.Login.HashConcurrency = r.cores
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wide = r.cores + max(cfg.Login.HashConcurrency, argonLanes)
	return cfg
}

// enter is called as a hash begins, leave as it ends. Both are safe for concurrent use.
func (r *room) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hashing++; r.hashing == 1 {
		runtime.GOMAXPROCS(r.wide)
	}
}

func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hashing--; r.hashing == 0 {
		runtime.GOMAXPROCS(r.cores)
	}
}
