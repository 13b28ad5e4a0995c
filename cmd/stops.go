package cmd

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// stops returns a context that the first SIGTERM or SIGINT ends, and one that the second does. (As the first process of a
// container we have to end ourselves: the kernel does not apply default actions to it.)
func stops(ctx context.Context) (gentle, hard context.Context, release func()) {
	gentle, stop := context.WithCancel(ctx)
	hard, stopHard := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	signal.Ignore(syscall.SIGPIPE) // whoever read the log is gone: the service goes on without one (F15)
	done := make(chan struct{})
	go func() {
		for _, end := range []context.CancelFunc{stop, stopHard} {
			select {
			case <-signals:
				end()
			case <-done:
				return
			}
		}
	}()
	return gentle, hard, func() {
		signal.Stop(signals)
		close(done)
		stop()
		stopHard()
	}
}
