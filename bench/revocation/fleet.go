package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"coatcheck/bench/stage"
)

// fleet is processes on one store, with users whose sessions end one by one.
type fleet struct {
	site    *stage.Site
	servers []*stage.Server
	cookie  string // of a login that stays
	users   []string
}

func newFleet(ctx context.Context, env *stage.Env, dir string, o options, e stage.Engine, size int) (*fleet, error) {
	dir, err := os.MkdirTemp(dir, e.Name+"-")
	if err != nil {
		return nil, err
	}
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	env.Cleanup(app.Close)
	f := &fleet{}
	if f.site, err = stage.NewSite(ctx, env, o.binary, dir, e, fmt.Sprintf("upstream: %q\n", app.URL)); err != nil {
		return nil, err
	}
	for range size {
		s, err := f.site.Start(ctx, -1)
		if err != nil {
			return nil, err
		}
		env.Cleanup(s.Stop)
		f.servers = append(f.servers, s)
	}
	if f.cookie, err = stage.Login(ctx, http.DefaultClient, "http://"+f.servers[0].Addr, stage.User); err != nil {
		return nil, err
	}
	f.users, err = f.site.CloneUsers(ctx, len(ways())*(o.rounds+o.cutRounds))
	return f, err
}

// way is how a session ends. It returns when the end is acknowledged.
type way struct {
	name string
	end  func(ctx context.Context, f *fleet, cookie, user string) error
}

func ways() []way {
	return []way{
		{"logout", func(ctx context.Context, f *fleet, cookie, _ string) error {
			res, err := stage.Post(ctx, http.DefaultClient, "http://"+f.servers[0].Addr+"/.auth/logout", cookie, nil)
			if err == nil && res.StatusCode >= http.StatusBadRequest {
				err = fmt.Errorf("status %d", res.StatusCode)
			}
			return err
		}},
		{"password changed", statement("UPDATE auth_user SET password = 'scrypt$another' WHERE id = ")},
		{"deactivated", statement("UPDATE auth_user SET is_active = (1 = 0) WHERE id = ")},
		{"deleted", statement("DELETE FROM auth_user WHERE id = ")},
	}
}

// statement changes a user's row, as another program beside the fleet does.
func statement(query string) func(context.Context, *fleet, string, string) error {
	return func(ctx context.Context, f *fleet, _, user string) error {
		_, err := f.site.DB.ExecContext(ctx, query+user) // a number, from the table
		return err
	}
}

// bound is the longest that a process may let a session in after its end was acknowledged elsewhere.
func (f *fleet) bound(w way) time.Duration {
	const redis, postgres, sqlite = 50 * time.Millisecond, 50 * time.Millisecond, 150 * time.Millisecond
	database := map[string]time.Duration{"postgres": postgres, "sqlite": sqlite}[f.site.Engine.Database()] // MariaDB: 0, read each time
	if w.name != "logout" {
		return database
	}
	switch f.site.Engine.Session {
	case "cache", "cached_db":
		if f.site.Redis != nil {
			return redis
		}
		return 0
	case "file":
		return 0
	}
	return database
}

// rounds ends one session after another.
func (f *fleet) rounds(ctx context.Context, w way, n int, cutters []cutter) (row, error) {
	result := row{engine: f.site.Engine.Name, way: w.name, processes: len(f.servers), bound: f.bound(w)}
	users := f.users[:n]
	f.users = f.users[n:]
	cookies, err := f.site.SessionsOf(ctx, f.cookie, users)
	if err != nil {
		return result, err
	}
	for i, cookie := range cookies {
		if err := f.round(ctx, w, cookie, users[i], cutters, &result); err != nil {
			return result, fmt.Errorf("%s, round %d: %w", w.name, i, err)
		}
	}
	return result, nil
}

// round has every process asked without a pause, ends the session in the midst of it, and goes on until all refuse.
func (f *fleet) round(ctx context.Context, w way, cookie, user string, cutters []cutter, result *row) error {
	probes := make([]*probe, len(f.servers))
	for i, s := range f.servers {
		probes[i] = newProbe("http://"+s.Addr+"/", cookie)
		defer probes[i].close()
	}
	for _, p := range probes {
		if err := p.awaitWarm(ctx); err != nil {
			return err
		}
	}
	for _, cut := range cutters {
		n, err := cut(ctx)
		if err != nil {
			return err
		}
		result.cut += n
	}
	if err := w.end(ctx, f, cookie, user); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	ended := time.Now()
	for i, p := range probes {
		if err := p.awaitRefusals(ctx); err != nil {
			return err
		}
		result.count(p, ended, i == 0 && w.name == "logout")
	}
	return nil
}

// count adds what a probe has seen; own: its process had acknowledged the end itself.
func (r *row) count(p *probe, ended time.Time, own bool) {
	p.close()
	r.busy += p.busy
	for _, began := range p.served {
		switch after := began.Sub(ended); {
		case after <= 0:
		case own:
			r.own++
		case after > r.bound:
			r.stale++
		}
	}
	if !own {
		r.delays = append(r.delays, max(0, p.refusedFrom.Sub(ended)))
	}
}
