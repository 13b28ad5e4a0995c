package cmd

import (
	"runtime"
	"testing"

	"coatcheck/internal/config"
)

func TestRoomIsWideOnlyWhileHashing(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(cores) })
	r := newRoom()
	cfg := r.fit(config.Config{})
	if cfg.Login.HashConcurrency != cores {
		t.Errorf("hash_concurrency 0 became %d, want the %d cores", cfg.Login.HashConcurrency, cores)
	}
	want := func(when string, n int) {
		t.Helper()
		if got := runtime.GOMAXPROCS(0); got != n {
			t.Errorf("%s %d goroutines may run, want %d", when, got, n)
		}
	}
	want("at first", cores)
	r.enter()
	r.enter()
	want("while two hash", cores+max(cores, argonLanes))
	r.leave()
	want("while one hashes", cores+max(cores, argonLanes))
	r.leave()
	want("afterwards", cores)
}
