// Package watch tells when files have changed. It looks instead of being told: a look works on every file system, and through the
// symbolic links by which Kubernetes swaps the files of a volume (inotify sees neither network mounts nor those swaps well).
package watch

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Every is how often files are looked at. A change is told when it has been the same for two looks, so that a file that is just
// being written is not read half: within two seconds.
const Every = time.Second

// Files are files, and how they were when [Begin] looked.
type Files struct {
	names func() []string
	known seen
}

// Begin takes the first look; it belongs before the files are read. Names is asked at each look; other names alone are no change.
func Begin(names func() []string) *Files { return &Files{names, look(names())} }

// Run looks at the files until ctx ends, and calls changed when any of them is another one than before: its content's time or size,
// the file behind a link, whether it is there at all.
func (f *Files) Run(ctx context.Context, changed func()) {
	last := f.known
	ticks := time.NewTicker(Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		now := look(f.names())
		if now.names != f.known.names {
			f.known, last = now, now
			continue
		}
		if now != f.known && now == last {
			f.known = now
			changed()
		}
		last = now
	}
}

// seen is what a look showed.
type seen struct{ names, states string }

func look(names []string) seen {
	var states strings.Builder
	for _, name := range names {
		states.WriteString(state(name))
	}
	return seen{strings.Join(names, "\x00"), states.String()}
}

// state tells a file from a later one under its name; device and inode tell one that was moved there with the same time and size.
func state(name string) string {
	info, err := os.Stat(name)
	if err != nil {
		return "absent;"
	}
	return fmt.Sprintf("%d %d %s;", info.ModTime().UnixNano(), info.Size(), identity(info))
}
