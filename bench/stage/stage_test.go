package stage

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestTry(t *testing.T) {
	broken := errors.New("broken")
	env := &Env{}
	for _, c := range []struct {
		name string
		call func() int
		want error
	}{
		{"value", func() int { return 1 }, nil},
		{"fatal", func() int { env.Fatal(broken); return 0 }, broken},
		{"missing", func() int { env.Skip("not installed"); return 0 }, ErrMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Try(c.call)
			if !errors.Is(err, c.want) && (c.want == nil || err == nil || err.Error() != c.want.Error()) {
				t.Errorf("Try: got error %v, want %v", err, c.want)
			}
		})
	}
}

func TestEnvClosesBackwards(t *testing.T) {
	var order []int
	env := &Env{}
	for i := range 3 {
		env.Cleanup(func() { order = append(order, i) })
	}
	env.Close()
	if len(order) != 3 || order[0] != 2 || order[2] != 0 {
		t.Errorf("order of clean-ups: got %v, want [2 1 0]", order)
	}
}

func TestParseStat(t *testing.T) {
	got := parseStat("42 (a name) with) S 7 42 42 0 -1 4194304 100 200 0 0 11 12 13 14 20 0 1 0 100 0 0")
	if want := (stat{parent: 7, reaped: 270 * time.Millisecond}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A process is counted with its children, and all of them end.
func TestProcess(t *testing.T) {
	p, err := Start(context.Background(), Command{Path: "/bin/sh", Args: []string{"-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done & sleep 60"}, Dir: t.TempDir(), Core: -1, Log: "log"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	for {
		cpu, err := p.CPU()
		if err != nil {
			t.Fatal(err)
		}
		if cpu > 10*time.Millisecond { // more than the shell that sleeps takes
			break
		}
		time.Sleep(time.Millisecond)
	}
	if memory, err := p.Memory(); err != nil || memory <= 0 {
		t.Errorf("memory: got %d, %v; want more than nothing", memory, err)
	}
	p.Stop()
	p.Stop()
	if _, err := os.FindProcess(p.PID()); err != nil {
		t.Error(err)
	}
}

func TestEngines(t *testing.T) {
	for _, e := range Engines() {
		if found, ok := EngineNamed(e.Name); !ok || found != e {
			t.Errorf("%s: got %v, %v; want itself", e.Name, found, ok)
		}
	}
	if _, ok := EngineNamed("none"); ok {
		t.Error("an engine named none was found")
	}
}
