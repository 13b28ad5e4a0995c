package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() Options { return Options{Dropped: func() {}, Fault: func(error) {}} }

// disk is a writer that can be full, and can block.
type disk struct {
	mu    sync.Mutex
	text  bytes.Buffer
	full  bool
	block chan struct{} // nil: does not
}

func (d *disk) Write(p []byte) (int, error) {
	d.mu.Lock()
	block, full := d.block, d.full
	d.mu.Unlock()
	if block != nil {
		<-block
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if full {
		n, _ := d.text.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return d.text.Write(p)
}

func (d *disk) set(full bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = full
}

func TestEventsAlone_16_3(t *testing.T) {
	var main bytes.Buffer
	file := filepath.Join(t.TempDir(), "audit.log")
	sink, err := Open(file, quiet())
	if err != nil {
		t.Fatal(err)
	}
	var l Log
	l.Use(sink, false)
	log := slog.New(l.Handler(slog.NewTextHandler(&main, &slog.HandlerOptions{Level: slog.LevelWarn}), slog.NewJSONHandler(&l, nil)))
	log.With("a", 1).Info("security event", "event", "login_ok")
	log.Warn("security event", "event", "login_failed")
	log.Warn("plain", "n", 1)
	log.Warn("cache", "event", "cache_error")
	log.Warn("request", "event", "request_refused")
	log.Debug("security event", "event", "debugged")
	l.Close()
	log.Warn("afterwards", "event", "logout")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		where, text, want string
		not               []string
	}{
		{"audit log", string(text), "login_ok login_failed request_refused", []string{"plain", "cache_error", "debugged", "logout"}},
		{"log", main.String(), "plain cache_error request_refused logout", []string{"login", "debugged"}},
	} {
		for word := range strings.FieldsSeq(c.want) {
			if strings.Count(c.text, word) != 1 {
				t.Errorf("%s: %s is there %d times, want once\n%s", c.where, word, strings.Count(c.text, word), c.text)
			}
		}
		for _, word := range c.not {
			if strings.Contains(c.text, word) {
				t.Errorf("%s has %s\n%s", c.where, word, c.text)
			}
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestFullQueueDrops_F32(t *testing.T) {
	d := &disk{block: make(chan struct{})}
	dropped := 0
	s := NewSink(d, Options{Dropped: func() { dropped++ }, Fault: func(error) {}})
	var l Log
	l.Use(s, false)
	for range maxLines + 100 { // nothing is written, and no call waits
		_, _ = l.Write([]byte("line\n"))
	}
	if dropped != 100 && dropped != 99 { // one may be on its way
		t.Errorf("dropped %d lines, want the 100 that were too many", dropped)
	}
	if err := l.Ready(); err != nil {
		t.Errorf("not required: %v, want nil", err)
	}
	close(d.block)
	l.Close()
	if got := strings.Count(d.text.String(), "\n"); got != maxLines+100-dropped {
		t.Errorf("%d lines written, want all that were not dropped, %d", got, maxLines+100-dropped)
	}
}

func TestRequired_F32(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		var faults []bool
		s := NewSink(d, Options{Dropped: func() {}, Fault: func(err error) { faults = append(faults, err != nil) }})
		var l Log
		l.Use(s, true)
		defer l.Close()
		write := func(line string) error {
			_, _ = io.WriteString(&l, line)
			return l.Confirm(t.Context())
		}
		if err := errors.Join(write("one\n"), l.Ready()); err != nil || d.text.String() != "one\n" {
			t.Fatalf("on a good disk: %v, %q", err, &d.text)
		}
		d.set(true)
		if err := write("two\n"); !errors.Is(err, ErrNotKept) {
			t.Errorf("on a full disk: %v, want ErrNotKept", err)
		}
		if err := l.Ready(); !errors.Is(err, ErrNotKept) {
			t.Errorf("ready on a full disk: %v, want ErrNotKept", err)
		}
		d.set(false)
		time.Sleep(retry + time.Millisecond)
		synctest.Wait()
		if err := errors.Join(l.Ready(), write("three\n")); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
		if got := d.text.String(); got != "one\ntwo\nthree\n" {
			t.Errorf("written %q, want each line once and whole", got)
		}
		if len(faults) != 2 || !faults[0] || faults[1] {
			t.Errorf("faults told: %v, want begin and end", faults)
		}
	})
}

// A reader that does not read is noticed by the first who waits; others are refused at once until it reads again.
func TestRequiredAndBlocked_F32(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{block: make(chan struct{})}
		var l Log
		l.Use(NewSink(d, quiet()), true)
		defer l.Close()
		_, _ = l.Write([]byte("line\n"))
		began := time.Now()
		if err := l.Confirm(t.Context()); !errors.Is(err, ErrNotKept) || time.Since(began) != confirmTime {
			t.Errorf("%v after %v, want ErrNotKept after %v", err, time.Since(began), confirmTime)
		}
		if err := l.Check(t.Context()); !errors.Is(err, ErrNotKept) {
			t.Errorf("while it blocks: %v, want ErrNotKept", err)
		}
		close(d.block)
		synctest.Wait()
		if err := l.Ready(); err != nil {
			t.Errorf("when it reads again: %v", err)
		}
	})
}

// Rotation: the file is renamed, and the log is told to open it anew.
func TestRotation(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.log")
	var l Log
	for i, line := range []string{"before\n", "after\n"} {
		s, err := Open(file, quiet())
		if err != nil {
			t.Fatal(err)
		}
		l.Use(s, true)
		_, _ = io.WriteString(&l, line)
		if err := l.Confirm(context.Background()); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := os.Rename(file, file+".1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.Close()
	for name, want := range map[string]string{file + ".1": "before\n", file: "after\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"a folder": t.TempDir(), "no such folder": "/nowhere/audit.log", "a pipe that nobody reads": pipe} {
		if s, err := Open(path, quiet()); err == nil || !strings.Contains(err.Error(), "log.audit") {
			t.Errorf("%s: opened %v, error %v; want an error that names the key", name, s != nil, err)
		}
	}
}
