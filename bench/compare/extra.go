package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coatcheck/bench/stage"
	"coatcheck/bench/wire"
)

// extra are the figures that no load compares.
type extra struct {
	statements        []calls
	firstStart, start time.Duration // to the first answer: with an empty folder; median of later ones
	idle              int64         // bytes of RAM, after start
	binary            int64         // bytes, stripped
	kept              int           // sessions that the process had seen
	keptMemory        int64         // bytes of RAM with them
	routes, sessions  []figures
}

// measure makes each figure with a process of its own.
func (x *extra) measure(ctx context.Context, l *lab, o options) error {
	info, err := os.Stat(l.coatcheck)
	if err != nil {
		return err
	}
	x.binary = info.Size()
	for _, step := range []func(context.Context, *lab, options) error{x.starts, x.memory, x.manyRoutes, x.manySessions} {
		if err := step(ctx, l, o); err != nil {
			return err
		}
	}
	return nil
}

// starts measures from the start of the process until the login page is there.
func (x *extra) starts(ctx context.Context, l *lab, o options) error {
	dir, err := l.folder("starts")
	if err != nil {
		return err
	}
	var took []time.Duration
	for i := range o.starts + 1 {
		d, memory, err := oneStart(ctx, l, dir)
		if err != nil {
			return err
		}
		if i == 0 {
			x.firstStart = d
			continue
		}
		took, x.idle = append(took, d), memory
	}
	slices.Sort(took)
	x.start = at(took, 0.5)
	say("start: first %v, then %v; idle %d MB", x.firstStart.Round(time.Microsecond), x.start.Round(time.Microsecond), x.idle/1e6)
	return nil
}

// oneStart is a process without a configuration file: SQLite, the built-in application.
func oneStart(ctx context.Context, l *lab, dir string) (time.Duration, int64, error) {
	addr, err := stage.FreeAddr()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	p, err := stage.Start(ctx, stage.Command{Path: l.coatcheck, Args: []string{"serve"}, Dir: dir, Core: l.core, Log: "log",
		Env: []string{"COATCHECK_LISTEN=" + addr, "COATCHECK_ADMIN_LISTEN=", "COATCHECK_LOG_LEVEL=error"}, Ready: func(ctx context.Context) bool { return answers(ctx, addr) }})
	if err != nil {
		return 0, 0, err
	}
	defer p.Stop()
	took := time.Since(began)
	time.Sleep(500 * time.Millisecond)
	memory, err := p.Memory()
	return took, memory, err
}

// answers asks for the login page.
func answers(ctx context.Context, addr string) bool {
	lines, err := talk(ctx, addr, "GET /.auth/login HTTP/1.1\r\nHost: "+addr+"\r\nConnection: close\r\n\r\n")
	return err == nil && len(lines) > 0 && strings.HasPrefix(lines[0], "HTTP/1.1 200")
}

// talk sends text and returns the lines of the answer, up to END or the end of the connection.
func talk(ctx context.Context, addr, text string) ([]string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(text)); err != nil {
		return nil, err
	}
	var all []string
	lines := bufio.NewScanner(conn)
	for lines.Scan() && lines.Text() != "END" {
		all = append(all, lines.Text())
	}
	return all, lines.Err()
}

// memory has one process see many sessions.
func (x *extra) memory(ctx context.Context, l *lab, o options) error {
	r, err := dbSubject(ctx, l)
	if err != nil {
		return err
	}
	defer r.process.Stop()
	say("memory: %d sessions", o.kept)
	cookies, err := r.site.Copies(ctx, r.login, o.kept)
	if err != nil {
		return err
	}
	if _, err := r.load(requests(r.addr, []string{"/"}, cookies), len(cookies), 5*time.Minute); err != nil {
		return err
	}
	x.kept = o.kept
	x.keptMemory, err = r.process.Memory()
	say("memory: %d MB", x.keptMemory/1e6)
	return err
}

func dbSubject(ctx context.Context, l *lab) (*running, error) {
	e, _ := stage.EngineNamed("db-sqlite")
	s := coatcheck(e, false)
	r, err := s.start(ctx, l)
	if err == nil {
		r.subject = s
	}
	return r, err
}

// routeCounts are how many routes the table has.
var routeCounts = [...]int{1, 100, 10_000}

// manyRoutes asks for pages under routes of tables of several sizes.
func (x *extra) manyRoutes(ctx context.Context, l *lab, o options) error {
	var all []*running
	paths := map[*running][]string{}
	for _, n := range routeCounts {
		r, routed, err := routed(ctx, l, n)
		if err != nil {
			return err
		}
		defer r.process.Stop()
		all, paths[r] = append(all, r), routed
	}
	var err error
	x.routes, err = x.turns(ctx, "routes", all, paths, o)
	return err
}

func routed(ctx context.Context, l *lab, n int) (*running, []string, error) {
	var settings strings.Builder
	fmt.Fprintf(&settings, "upstream: \"http://%s\"\nroutes:\n", l.upstream)
	var paths []string
	for i := range n {
		fmt.Fprintf(&settings, "  - {path: /app%d}\n", i)
		if i%max(1, n/conns) == 0 {
			paths = append(paths, fmt.Sprintf("/app%d/page", i))
		}
	}
	e, _ := stage.EngineNamed("db-sqlite")
	r, err := newCoatcheck(ctx, l, e, settings.String())
	if err != nil {
		return nil, nil, err
	}
	r.name = fmt.Sprintf("%d routes", n)
	return r, paths, r.logIn(ctx)
}

// turns measures subjects that differ in size.
func (x *extra) turns(ctx context.Context, what string, all []*running, paths map[*running][]string, o options) ([]figures, error) {
	return inTurn(ctx, what, all, o.rounds, func(r *running, _ int) (sample, error) {
		load := func(d time.Duration) func() (wire.Result, error) {
			return func() (wire.Result, error) { return r.load(requests(r.addr, paths[r], r.cookies), 0, d) }
		}
		if _, err := load(o.warmUp)(); err != nil {
			return sample{}, err
		}
		return measured(r, load(o.length))
	})
}

// manySessions has the same 10 sessions among ever more that nobody uses.
func (x *extra) manySessions(ctx context.Context, l *lab, o options) error {
	var all []*running
	paths := map[*running][]string{}
	for _, n := range []int{10, o.sessions / 100, o.sessions} {
		r, err := dbSubject(ctx, l)
		if err != nil {
			return err
		}
		defer r.process.Stop()
		r.name = fmt.Sprintf("%d sessions", n)
		say("sessions: make %d", n)
		if _, err := r.site.Copies(ctx, r.login, n); err != nil {
			return err
		}
		r.cookies = r.cookies[:10]
		all, paths[r] = append(all, r), []string{"/"}
		if info, err := os.Stat(filepath.Join(r.site.Dir, "site.sqlite3")); err == nil {
			r.says = fmt.Sprintf("database file of %d MB", info.Size()/1e6)
		}
	}
	var err error
	x.sessions, err = x.turns(ctx, "sessions", all, paths, o)
	return err
}
