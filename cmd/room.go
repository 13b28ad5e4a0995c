package cmd

import (
	"runtime"

	"coatcheck/internal/config"
)

// argonLanes is how many threads one of Django's argon2 hashes takes.
const argonLanes = 8

// makeRoom lets requests run while passwords are hashed: as many goroutines more may run as hashing can take. The operating system then
// shares the cores among them, and prefers those that run shortly; Go's scheduler would let each hash run for 10 ms before it looks at a
// request, and once more at each of its steps (bench/LOGINS.md). What the number of cores is, is told by cores, before any of this.
func makeRoom(cfg config.Config, cores int) config.Config {
	if cfg.Login.HashConcurrency == 0 {
		cfg.Login.HashConcurrency = cores
	}
	if room := cores + max(cfg.Login.HashConcurrency, argonLanes); runtime.GOMAXPROCS(0) != room {
		runtime.GOMAXPROCS(room)
	}
	return cfg
}
