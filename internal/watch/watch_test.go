package watch

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// volume is a directory as Kubernetes mounts a ConfigMap: file → ..data/file, ..data → a directory with a time in its name.
func volume(t *testing.T, dir, version, text string) {
	t.Helper()
	inner := filepath.Join(dir, version)
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(inner, "file"), text)
	old := time.Unix(1700000000, 0)
	_ = os.Chtimes(filepath.Join(inner, "file"), old, old)
	tmp := filepath.Join(dir, "..tmp")
	if err := os.Symlink(version, tmp); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	cases := []struct {
		name   string
		change func(t *testing.T, dir, file string)
		want   int
	}{
		{"nothing", func(*testing.T, string, string) {}, 0},
		{"written", func(t *testing.T, _, file string) { write(t, file, "other text") }, 1},
		{"replaced by one of the same size and time", func(t *testing.T, _, file string) {
			info, _ := os.Stat(file)
			write(t, file+".new", "other")
			_ = os.Chtimes(file+".new", info.ModTime(), info.ModTime())
			_ = os.Rename(file+".new", file)
		}, 1},
		{"removed", func(_ *testing.T, _, file string) { os.Remove(file) }, 1},
		{"volume swapped", func(t *testing.T, dir, _ string) { volume(t, dir, "..v2", "other") }, 1},
		{"written in pieces", func(t *testing.T, _, file string) {
			for range 5 {
				f, _ := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
				_, _ = f.WriteString("x")
				f.Close()
				time.Sleep(Every / 2)
			}
		}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			volume(t, dir, "..v1", "first")
			link := filepath.Join(dir, "link")
			if err := os.Symlink("..data/file", link); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "plain")
			write(t, file, "first")
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				told := 0
				go Begin(func() []string { return []string{file, link, filepath.Join(dir, "never")} }).Run(ctx, func() { told++ })
				time.Sleep(3*Every + Every/4)
				c.change(t, dir, file)
				time.Sleep(5 * Every)
				stop()
				synctest.Wait()
				if told != c.want {
					t.Errorf("told %d times, want %d", told, c.want)
				}
			})
		})
	}
}

func TestOtherNamesAreNoChange(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "text")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var names atomic.Pointer[[]string]
		names.Store(new([]string))
		told := 0
		go Begin(func() []string { return *names.Load() }).Run(ctx, func() { told++ })
		time.Sleep(Every / 2)
		names.Store(&[]string{file})
		time.Sleep(3 * Every)
		write(t, file, "other")
		time.Sleep(3 * Every)
		stop()
		synctest.Wait()
		if told != 1 {
			t.Errorf("told %d times, want once: of the other text, not of the other name", told)
		}
	})
}
