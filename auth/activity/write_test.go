package activity_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"coatcheck/auth/activity"
	"coatcheck/sessionstore/ledger"
)

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// notes are records that only count batches; time is the bubble's.
type notes struct {
	activity.Records
	batches [][]ledger.Sighting
	down    error
}

func (n *notes) Note(_ context.Context, seen ...ledger.Sighting) error {
	if len(seen) > 0 && n.down == nil {
		n.batches = append(n.batches, seen)
	}
	return n.down
}

func TestRunWritesBatches(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{})
	who := p.principal(p.begin("7"))
	synctest.Test(t, func(t *testing.T) {
		n := &notes{}
		log := &strings.Builder{}
		r := activity.New(activity.Options{Records: n, Sessions: p.sessions, Log: logTo(log), Now: time.Now,
			Visitor: func(context.Context) activity.Visitor { return activity.Visitor{} }})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		for range 600 { // ten minutes with a request each second
			r.Touch(ctx, who)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(n.batches) < 19 || len(n.batches) > 21 {
			t.Errorf("%d batches in ten minutes, want one each half minute", len(n.batches))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if idle := len(n.batches); idle > 22 {
			t.Errorf("%d batches after an hour without activity", idle)
		}
		n.down = context.DeadlineExceeded
		r.Touch(ctx, who)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if lines := strings.Count(log.String(), "level=WARN"); lines != 1 {
			t.Errorf("%d warnings while the ledger was down, want one:\n%s", lines, log)
		}
		n.down = nil
		r.Touch(ctx, who)
		last := time.Now()
		stop()
		<-done
		if b := n.batches[len(n.batches)-1]; !b[0].LastSeen.Equal(last.Truncate(time.Millisecond)) {
			t.Errorf("the batch at the end says %s, want %s", b[0].LastSeen, last)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	f := newFleet(t)
	p := f.process(activity.Limits{}, func(o *activity.Options) { o.Entries = 16 })
	for range 200 {
		p.use(p.begin("7"))
	}
	p.flush()
	held, err := p.ledger.OfUser(t.Context(), "7")
	must(t, err)
	if len(held) < 17 || len(held) > 64 {
		t.Errorf("%d sessions were noted, want those in memory and as many that made room", len(held))
	}
	if !strings.Contains(p.log.String(), "near_cache_entries") {
		t.Errorf("the log does not tell that some were lost:\n%s", p.log)
	}
}

func BenchmarkWarm(b *testing.B) {
	f := newFleet(b)
	p := f.process(activity.Limits{Idle: time.Hour, Lifetime: 12 * time.Hour})
	who := p.principal(p.login("7"))
	b.ReportAllocs()
	for b.Loop() {
		got, err := p.Check(b.Context(), who.Session, who)
		if err != nil || got.Anonymous() {
			b.Fatal(err)
		}
		p.Touch(b.Context(), got)
	}
}
