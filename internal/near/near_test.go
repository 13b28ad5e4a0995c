package near_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/near"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ear is a feed that hears unless it is deaf.
type ear struct{ deaf atomic.Bool }

func (e *ear) Heard() bool { return !e.deaf.Load() }

func cache(o near.Options) *near.Cache[string] {
	if o.Entries == 0 {
		o.Entries = 100
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return near.New[string](o)
}

// source is a store whose reads can be held.
type source struct {
	mu    sync.Mutex
	value string
	reads int
	hold  chan struct{} // nil: not held
	at    chan struct{} // gets a word when a read has its value and is held
}

func (s *source) set(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = value
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *source) read(context.Context) (near.Read[string], error) {
	s.mu.Lock()
	s.reads++
	value, hold := s.value, s.hold
	s.mu.Unlock()
	if hold != nil {
		s.at <- struct{}{}
		<-hold
	}
	return near.Read[string]{Value: value, Size: len(value)}, nil
}

func load(t *testing.T, c *near.Cache[string], key string, s *source) string {
	t.Helper()
	value, err := c.Load(t.Context(), key, s.read)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// TestOvertaken_F11: what was read before a change and arrives after it is not kept, whoever tells of the change, and whoever asks after it reads anew.
func TestOvertaken_F11(t *testing.T) {
	for name, forget := range map[string]func(c *near.Cache[string]){
		"by its key":  func(c *near.Cache[string]) { c.Forget("k") },
		"by its name": func(c *near.Cache[string]) { c.ForgetNamed("name of k") },
		"with all":    func(c *near.Cache[string]) { c.ForgetAll() },
	} {
		t.Run(name, func(t *testing.T) {
			c := cache(near.Options{Feeds: []near.Feed{&ear{}}, Name: func(key string) string { return "name of " + key }})
			s := &source{value: "old", hold: make(chan struct{}), at: make(chan struct{})}
			var first sync.WaitGroup
			first.Go(func() { load(t, c, "k", s) })
			<-s.at
			s.set("new")
			forget(c)
			var second sync.WaitGroup
			second.Go(func() {
				if got := load(t, c, "k", s); got != "new" {
					t.Errorf("asked after the change, got %q", got)
				}
			})
			<-s.at
			close(s.hold)
			first.Wait()
			second.Wait()
			s.mu.Lock()
			s.hold = nil
			s.mu.Unlock()
			if got := load(t, c, "k", s); got != "new" {
				t.Errorf("kept %q", got)
			}
		})
	}
}

// TestOneRead_F07: a cold key costs one read, and a caller who leaves fails nobody else.
func TestOneRead_F07(t *testing.T) {
	c := cache(near.Options{Feeds: []near.Feed{&ear{}}})
	s := &source{value: "v", hold: make(chan struct{}), at: make(chan struct{}, 1)}
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := c.Load(ctx, "k", s.read); !errors.Is(err, context.Canceled) {
			t.Errorf("the caller who left got %v", err)
		}
	})
	<-s.at
	for range 50 {
		all.Go(func() {
			if got := load(t, c, "k", s); got != "v" {
				t.Errorf("got %q", got)
			}
		})
	}
	for c.Stats().Misses < 51 {
		time.Sleep(time.Millisecond)
	}
	leave()
	close(s.hold)
	all.Wait()
	if n := s.count(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

// TestDeaf: without a feed that hears, everybody reads; what was kept before does not count after ForgetAll.
func TestDeaf(t *testing.T) {
	e := &ear{}
	c := cache(near.Options{Feeds: []near.Feed{&ear{}, e}})
	s := &source{value: "old"}
	load(t, c, "k", s)
	e.deaf.Store(true)
	s.set("new")
	for range 3 {
		if got := load(t, c, "k", s); got != "new" {
			t.Errorf("deaf, and got %q", got)
		}
	}
	if n := s.count(); n != 4 {
		t.Errorf("%d reads, want 4", n)
	}
	c.ForgetAll() // as feeds do before they hear again
	e.deaf.Store(false)
	if got := load(t, c, "k", s); got != "new" {
		t.Errorf("hearing again, and got %q", got)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	c := cache(near.Options{Feeds: []near.Feed{&ear{}}})
	down := errors.New("down")
	for range 2 {
		if _, err := c.Load(t.Context(), "k", func(context.Context) (near.Read[string], error) { return near.Read[string]{}, down }); !errors.Is(err, down) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := c.Load(t.Context(), "k", func(context.Context) (near.Read[string], error) { panic("bad record") }); err == nil {
		t.Error("a panic in a reader is no error")
	}
	if got := load(t, c, "k", &source{value: "v"}); got != "v" {
		t.Errorf("got %q", got)
	}
}

// TestEnds: an entry ends by its own date, and by its age.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cache(near.Options{MaxAge: 5 * time.Second})
		reads := 0
		use := func(key string, life time.Duration) {
			_, err := c.Load(t.Context(), key, func(context.Context) (near.Read[string], error) {
				reads++
				r := near.Read[string]{Value: key}
				if life > 0 {
					r.Ends = time.Now().Add(life)
				}
				return r, nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			after time.Duration
			reads int
		}{{0, 2}, {time.Second, 2}, {time.Second, 3}, {3*time.Second - time.Millisecond, 4}, {time.Millisecond, 5}} {
			time.Sleep(step.after)
			use("short", 2*time.Second)
			use("long", 0)
			if reads != step.reads {
				t.Errorf("after another %s: %d reads, want %d", step.after, reads, step.reads)
				reads = step.reads
			}
		}
	})
}

func TestBounds(t *testing.T) {
	for name, o := range map[string]near.Options{
		"entries":      {Entries: 3},
		"many entries": {Entries: 5000},
		"bytes":        {Entries: 100000, Bytes: 200000},
	} {
		t.Run(name, func(t *testing.T) {
			o.Feeds = []near.Feed{&ear{}}
			o.Name = func(key string) string { return "n" + key }
			c := cache(o)
			for i := range 20000 {
				load(t, c, fmt.Sprint(i), &source{value: "value"})
			}
			stats := c.Stats()
			if stats.Entries > int64(o.Entries) || o.Bytes > 0 && stats.Bytes > o.Bytes || stats.Entries == 0 {
				t.Errorf("kept %d entries of %d bytes; limits are %d and %d", stats.Entries, stats.Bytes, o.Entries, o.Bytes)
			}
			if n := near.Names(c); n != int(stats.Entries) {
				t.Errorf("%d names for %d entries", n, stats.Entries)
			}
			last := &source{value: "other"}
			if got := load(t, c, "19999", last); got != "value" {
				t.Errorf("the latest was dropped: got %q", got)
			}
		})
	}
}

// TestNameOfTwoKeys: signed cookies of one session share a name. A feed's word drops all of them.
func TestNameOfTwoKeys(t *testing.T) {
	c := cache(near.Options{Feeds: []near.Feed{&ear{}}, Name: func(string) string { return "both" }})
	s := &source{value: "old"}
	for range 2 {
		load(t, c, "a", s)
		load(t, c, "b", s)
	}
	s.set("new")
	c.ForgetNamed("both")
	for _, key := range []string{"a", "b"} {
		if got := load(t, c, key, s); got != "new" {
			t.Errorf("under %s is %q", key, got)
		}
	}
}

// TestNoResurrection_J1: readers never see a value that was replaced before they asked, with changes, words and evictions at once.
func TestNoResurrection_J1(t *testing.T) {
	c := cache(near.Options{Entries: 4, Feeds: []near.Feed{&ear{}}, Name: func(key string) string { return "n" + key }})
	var versions [8]atomic.Int64
	var all sync.WaitGroup
	for w := range 2 {
		all.Go(func() {
			for i := range 3000 {
				k := (i*7 + w) % len(versions)
				versions[k].Add(1)
				switch i % 3 {
				case 0:
					c.ForgetNamed(fmt.Sprint("n", k))
				case 1:
					c.Forget(fmt.Sprint(k))
				default:
					c.ForgetAll()
				}
			}
		})
	}
	for range 4 {
		all.Go(func() {
			for i := range 5000 {
				k := i % len(versions)
				// A change is complete when it has been told: one that is under way may be seen or not. Two writers may have one each under way.
				before := versions[k].Load() - 2
				got, err := c.Load(t.Context(), fmt.Sprint(k), func(context.Context) (near.Read[string], error) {
					return near.Read[string]{Value: fmt.Sprint(versions[k].Load())}, nil
				})
				var seen int64
				if _, scanErr := fmt.Sscan(got, &seen); err != nil || scanErr != nil || seen < before {
					t.Errorf("key %d: got version %q, %v; at least %d had been told", k, got, err, before)
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkHit(b *testing.B) {
	c := cache(near.Options{Entries: 100000, Feeds: []near.Feed{&ear{}}})
	keys := make([]string, 10000)
	for i := range keys {
		keys[i] = fmt.Sprintf("%032d", i)
		_, _ = c.Load(b.Context(), keys[i], (&source{value: "v"}).read)
	}
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i++ {
			if _, ok := c.Get(keys[i%len(keys)]); !ok {
				b.Error("not there")
			}
		}
	})
}

func BenchmarkMiss(b *testing.B) {
	c := cache(near.Options{Entries: 100000, Feeds: []near.Feed{&ear{}}})
	s := &source{value: "v"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		_, _ = c.Load(b.Context(), fmt.Sprint(i), s.read)
	}
}

// mute is a feed that can never hear.
type mute struct{ ear }

func (*mute) Unable() bool { return true }

// TestUnable: where nothing can be heard at all, an entry is believed for a while if that is allowed; where it was only lost, never.
func TestUnable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, test := range map[string]struct {
			feed  near.Feed
			age   time.Duration
			reads int // of three uses, the third after the age
		}{
			"lost":               {&ear{}, 5 * time.Second, 3},
			"unable":             {&mute{}, 5 * time.Second, 2},
			"unable, no age":     {&mute{}, 0, 3},
			"none":               {nil, 5 * time.Second, 2},
			"none, and no age":   {nil, 0, 3},
			"lost, and no bound": {&ear{}, 0, 3},
		} {
			o := near.Options{MaxAge: test.age}
			switch f := test.feed.(type) {
			case *ear:
				f.deaf.Store(true)
				o.Feeds = []near.Feed{f}
			case *mute:
				f.deaf.Store(true)
				o.Feeds = []near.Feed{f}
			}
			c, s := cache(o), &source{value: "v"}
			load(t, c, "k", s)
			time.Sleep(4 * time.Second)
			load(t, c, "k", s)
			time.Sleep(time.Second)
			load(t, c, "k", s)
			if n := s.count(); n != test.reads {
				t.Errorf("%s: %d reads, want %d", name, n, test.reads)
			}
		}
	})
}
