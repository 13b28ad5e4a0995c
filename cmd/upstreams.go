package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"coatcheck/internal/config"
	"coatcheck/internal/demo"
	"coatcheck/proxy"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/upstream"
)

// upstream returns the upstream of the route from those made so far: routes that name the same with the same options share it. Without
// one it is the built-in demo.
func (p *parts) upstream(made map[string]proxy.Upstream, r config.Route) (proxy.Upstream, error) {
	if r.Access == "deny" || len(r.Upstream) == 1 && r.Upstream[0] == config.NoUpstream {
		return nil, nil
	}
	key := fmt.Sprint(r.Upstream, r.Timeout, r.Connection, r.FastCGI, r.Balance)
	if u, ok := made[key]; ok {
		return u, nil
	}
	u, err := p.newUpstream(r)
	if err == nil {
		made[key] = u
	}
	return u, err
}

func (p *parts) newUpstream(r config.Route) (proxy.Upstream, error) {
	if len(r.Upstream) == 0 {
		return demoUpstream{demo.New(demo.Options{AuthPrefix: p.cfg.AuthPrefix})}, nil
	}
	var members []*upstream.Upstream
	for _, url := range r.Upstream {
		u, err := upstream.New(p.upstreamOptions(url, r))
		if err != nil {
			return nil, err
		}
		p.closers = append(p.closers, func() error { u.Close(); return nil })
		members = append(members, u)
	}
	if len(members) == 1 {
		return members[0], nil
	}
	b := r.Balance
	list, err := upstream.NewBalancer(members, upstream.BalancerOptions{
		Policy:         map[string]upstream.Policy{"least_connections": upstream.LeastConnections, "round_robin": upstream.RoundRobin}[b.Policy],
		AffinityCookie: b.AffinityCookie, MaxFails: b.MaxFails, FailTime: b.FailTime, MaxFailTime: b.MaxFailTime, SlowStart: b.SlowStart,
		Check: upstream.Check{Path: b.Check.Path, Host: b.Check.Host, Interval: b.Check.Interval, Timeout: b.Check.Timeout},
		Log:   p.log,
	})
	if err != nil {
		return nil, err
	}
	p.background, p.lists = append(p.background, list.Run), append(p.lists, list)
	return list, nil
}

func (p *parts) upstreamOptions(url string, r config.Route) upstream.Options {
	c, f := r.Connection, r.FastCGI
	return upstream.Options{
		URL: url, DialTimeout: c.DialTimeout, ResponseHeaderTimeout: r.Timeout, StallTimeout: c.StallTimeout, IdleTimeout: c.IdleTimeout,
		MaxConns: c.MaxConns, QueueTimeout: c.QueueTimeout,
		TLS: upstream.TLS{CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, ServerName: c.ServerName},
		FastCGI: upstream.FastCGI{
			Root: f.Root, Index: f.Index, Fallback: f.Fallback, Local: f.Local, Static: f.Static, StaticEndings: f.StaticEndings, Script: f.Script, BufferBody: f.BufferBody,
			KeepAlive: f.KeepAlive, KeepAuthorization: f.KeepAuthorization, User: proxy.Username, Mount: proxy.Mount, Stderr: p.stderrOf(url),
		},
	}
}

// stderrOf logs what an application writes to its standard error.
func (p *parts) stderrOf(url string) func(ctx context.Context, text string) {
	return func(ctx context.Context, text string) {
		p.log.LogAttrs(ctx, slog.LevelWarn, "the application says", slog.String("upstream", url),
			slog.String("request_id", facts.From(ctx).RequestID), slog.String("text", text))
	}
}

func speaksH2C(r config.Route) bool {
	return len(r.Upstream) > 0 && strings.HasPrefix(r.Upstream[0], "h2c:")
}
