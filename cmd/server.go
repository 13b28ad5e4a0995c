package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"coatcheck/internal/audit"
	"coatcheck/internal/config"
	"coatcheck/internal/metrics"
	"coatcheck/internal/systemd"
	"coatcheck/internal/tlsconf"
	"coatcheck/internal/watch"
	"coatcheck/proxy"
	"coatcheck/proxy/lane"
	"coatcheck/proxy/sessionapi"
)

// server is what outlives a configuration: the listeners, the metrics, and the exchange of one [running] for the next.
type server struct {
	env     *environment
	flags   map[string]any
	room    *room
	metrics *metrics.Metrics
	live    *proxy.Live
	visits  *sessionapi.Visits
	manager systemd.Manager
	level   slog.LevelVar
	sink    *logSink
	audit   audit.Log
	log     *slog.Logger // of the configuration in force

	current  atomic.Pointer[running] // nil: stopped
	stopping atomic.Bool
	files    atomic.Pointer[[]string] // that the configuration was read from
	changes  *watch.Files
	hangups  chan os.Signal // heard from the start on: before, SIGHUP would end the process
	cut      chan struct{}  // closed: requests that still run are not waited for
	retiring sync.WaitGroup

	accepting    sync.WaitGroup
	fresh        fresh
	stopWatchdog context.CancelFunc

	doors         doors
	certificates  atomic.Pointer[tlsconf.Certificates] // nil: no TLS
	public, admin *http.Server
	lane          *lane.Lane // in front of public
	plain, api    *http.Server
}

func newServer(e *environment, flags map[string]any, cfg config.Config) *server {
	facts := readBuildFacts()
	s := &server{env: e, flags: flags, room: newRoom(), cut: make(chan struct{}), hangups: make(chan os.Signal, 1), manager: systemd.FromEnviron(e.Environ, os.Getpid()),
		metrics: metrics.New(metrics.Build{Version: facts.Version, Revision: facts.Revision, Go: facts.Go})}
	s.sink = newLogSink(e.Stderr, s.metrics.LogDropped)
	s.metrics.HashQueue(s.hashQueue)
	s.metrics.NearCaches(s.nearCaches)
	s.metrics.Certificates(s.expiries)
	s.metrics.Upstreams(s.upstreams)
	s.metrics.Sessions(s.sessions)
	s.level.Set(level(cfg.Log.Level))
	s.log = s.newLog(cfg)
	adoptStandardLog(s.log)
	s.live, s.visits = proxy.NewLive(s.log), sessionapi.NewVisits()
	s.watched(cfg)
	s.changes = watch.Begin(func() []string { return *s.files.Load() })
	s.public = proxy.NewServer(http.HandlerFunc(s.visit), s.log)
	s.fresh.follow(s.public)
	s.lane = lane.New(s.public, proxy.WatchedListener)
	s.admin = proxy.NewServer(http.HandlerFunc(s.operate), s.log)
	s.api = sessionapi.NewServer(http.HandlerFunc(s.lend), s.log)
	s.plain = &http.Server{ReadHeaderTimeout: time.Second} // until it is known what it serves
	return s
}

// newLog returns the log of a configuration. Its level is the process's, so that it changes everywhere at once.
func (s *server) newLog(cfg config.Config) *slog.Logger {
	format := cfg.Log.Format
	if format == "auto" && isTerminal(s.env.Stderr) {
		format = "text"
	}
	return slog.New(s.metrics.Events(s.audit.Handler(newLogger(s.sink, &s.level, format).Handler(), newLogger(&s.audit, slog.LevelInfo, "json").Handler())))
}

func (s *server) hashQueue() (now, limit int) {
	r := s.current.Load()
	if r == nil {
		return 0, 0
	}
	return r.parts.hashes.Load()
}

func (s *server) nearCaches() metrics.Near {
	r := s.current.Load()
	if r == nil {
		return metrics.Near{}
	}
	return r.parts.near.stats()
}

// build makes everything of a configuration; nothing is asked yet.
func (s *server) build(cfg config.Config) (*running, error) {
	p, err := openParts(s.room.fit(cfg), s.newLog(cfg), s.metrics, s.room)
	if err != nil {
		return nil, err
	}
	p.live, p.visits, p.audit = s.live, s.visits, &s.audit
	sink, err := s.auditSink(p)
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	r, err := p.wire()
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	r.audit = sink
	return r, nil
}

// install puts next in force. What was in force before ends when its last request has left.
func (s *server) install(next *running) {
	s.audit.Use(next.audit, next.cfg.Log.AuditRequired)
	next.start()
	old := s.current.Swap(next)
	s.log = next.parts.log
	adoptStandardLog(s.log)
	s.level.Set(level(next.cfg.Log.Level))
	s.metrics.Loaded(time.Now(), nil)
	s.retire(old)
}

func (s *server) retire(old *running) {
	if old == nil {
		return
	}
	s.retiring.Go(func() {
		if err := old.retire(s.cut); err != nil {
			old.parts.log.Warn("close what the former configuration had opened", "err", err)
		}
	})
}

// visit serves a request by the configuration in force when it came.
func (s *server) visit(w http.ResponseWriter, r *http.Request) {
	for now := s.current.Load(); now != nil; now = s.current.Load() {
		if now.enter() {
			defer now.leave()
			now.handler.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "stopped", http.StatusServiceUnavailable)
}

// operate serves the admin listener. While the process stops it is not ready, so that balancers send no more.
func (s *server) operate(w http.ResponseWriter, r *http.Request) {
	now := s.current.Load()
	if now == nil || s.stopping.Load() && r.URL.Path == "/readyz" {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	now.admin.ServeHTTP(w, r)
}

// serve serves at the doors until ctx ends, then drains. The end of hard ends it at once.
func (s *server) serve(ctx, hard context.Context) error {
	failed := make(chan error, 4)
	start := func(group *sync.WaitGroup, l net.Listener, serve func(net.Listener) error) {
		group.Go(func() {
			err := serve(l)
			if !errors.Is(err, http.ErrServerClosed) && !s.stopping.Load() {
				failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
			}
		})
	}
	d, cfg := s.doors, s.current.Load().cfg
	if s.certificates.Load() != nil {
		s.public.TLSConfig = s.tlsConfig()
		start(&s.accepting, d.public, func(l net.Listener) error { return s.public.ServeTLS(l, "", "") })
	} else {
		start(&s.accepting, s.laned(cfg), s.public.Serve)
	}
	if d.plain != nil && s.certificates.Load() != nil {
		s.plain = s.plainServer(cfg)
		start(&s.accepting, d.plain, s.plain.Serve)
	}
	if d.admin != nil {
		start(&s.retiring, d.admin, s.admin.Serve)
	}
	if d.api != nil {
		start(&s.retiring, d.api, s.api.Serve)
	}
	s.log.Info("coatcheck is listening", "address", d.public.Addr().String(), "open", address(cfg, d.public), "version", readBuildFacts().Version)
	s.retiring.Go(func() { s.live.Run(ctx) })
	s.tell(systemd.Ready)
	living, stop := context.WithCancel(hard)
	s.stopWatchdog = stop
	s.retiring.Go(func() { s.manager.Watch(living) })
	err := s.follow(ctx, failed)
	return errors.Join(err, s.drain(hard))
}

// laned is the public door for a server without TLS.
func (s *server) laned(cfg config.Config) net.Listener {
	if cfg.FastLane == "off" {
		return proxy.WatchedListener(s.doors.public)
	}
	return s.lane.Listener(s.doors.public)
}

// tell tells systemd, if there is one, how the process is.
func (s *server) tell(state string) {
	if err := s.manager.Tell(state); err != nil {
		s.log.Warn("systemd was not told", "state", state, "err", err)
	}
}

// follow loads the configuration anew when told to, until ctx ends or a listener fails.
func (s *server) follow(ctx context.Context, failed <-chan error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changed := make(chan struct{}, 1)
	s.retiring.Go(func() {
		s.changes.Run(ctx, func() {
			select {
			case changed <- struct{}{}:
			default: // told already
			}
		})
	})
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-s.hangups:
			s.reload(ctx, "SIGHUP")
		case <-changed:
			s.reload(ctx, "a file was changed")
		}
	}
}

// errHard is the end by a second signal.
var errHard = errors.New("stopped at once by a second signal; requests that ran were cut off")

// drain refuses new connections and lets running requests finish, WebSockets among them. The listeners are closed first, and their
// servers have to be done with accepting: [http.Server.Shutdown] does not see a connection that is just being accepted.
func (s *server) drain(hard context.Context) error {
	last := s.current.Load()
	s.stopping.Store(true)
	s.tell(systemd.Stopping)
	s.log.Info("stopping: running requests may finish", "grace", last.cfg.ShutdownGrace.String())
	ctx, cancel := context.WithTimeout(hard, last.cfg.ShutdownGrace)
	defer cancel()
	doors{public: s.doors.public, plain: s.doors.plain}.close()
	s.accepting.Wait()
	s.public.SetKeepAlivesEnabled(false)
	s.lane.Drain(ctx)
	s.fresh.settle(ctx)
	err := errors.Join(s.plain.Shutdown(ctx), s.public.Shutdown(ctx))
	s.current.Store(nil)
	s.retire(last)
	if ctx.Err() == nil && waited(ctx, last.empty) {
		return s.end(err)
	}
	if hard.Err() != nil {
		return errHard
	}
	s.log.Warn("some requests did not finish in time and were cut off")
	s.lane.Close()
	return s.end(s.public.Close())
}

// end closes what is still open.
func (s *server) end(err error) error {
	close(s.cut)
	s.stopWatchdog()
	s.present(nil)
	err = errors.Join(err, s.admin.Close(), s.api.Close()) // the last request may have needed the session API
	s.retiring.Wait()
	if err == nil {
		s.log.Info("stopped")
	}
	return err
}

func waited(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
