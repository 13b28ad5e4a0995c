package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coatcheck/internal/config"
	"coatcheck/proxy"
)

func newServe(env *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Long: `Runs the proxy until SIGTERM or SIGINT; then running requests finish (shutdown_grace).

Without a configuration it protects a built-in demo application. The first start makes
data_dir with the database, the secret key and a first user, whose password is printed
once to standard output. The log goes to standard error.`,
		Example: "  coatcheck serve\n  coatcheck serve --upstream http://127.0.0.1:3000\n  coatcheck serve --config config.yaml",
		Args:    args(cobra.NoArgs),
	}
	flags := c.Flags()
	for _, f := range config.ServeFlags() {
		flags.String(f.Name, "", f.Usage+" (key "+f.Key+")")
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		given := map[string]string{}
		flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
		cfg, err := env.load(config.FlagValues(given))
		if err != nil {
			return err
		}
		return env.serve(c.Context(), cfg)
	}
	return c
}

func (e *environment) serve(ctx context.Context, cfg config.Config) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)   // a second signal ends the process at once
	signal.Ignore(syscall.SIGPIPE) // whoever read the log is gone: the service goes on without one (F15)

	log := newLogger(e.Stderr, level(cfg.Log.Level), cfg.Log.Format)
	adoptStandardLog(log)
	for _, w := range cfg.Warnings {
		log.Warn("configuration: " + w.String())
	}
	doors, err := openDoors(ctx, cfg)
	if err != nil {
		return err
	}
	defer doors.close()
	p, err := openParts(cfg, log)
	if err != nil {
		return err
	}
	defer p.close()
	r, err := p.wire()
	if err != nil {
		return err
	}
	err = e.begin(ctx, p)
	if err != nil && p.reachable(ctx) {
		return err
	}
	if err != nil {
		r.background = append(r.background, func(ctx context.Context) { e.await(ctx, p, err) })
	}
	return r.serve(ctx, doors)
}

// begin makes what is missing in the database.
func (e *environment) begin(ctx context.Context, p *parts) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return e.announceFirstUser(ctx, p)
}

// storeRetry is how often a database that was down at the start is asked again.
const storeRetry = time.Second

// await begins as soon as the database is there. Until then protected requests are answered 503.
func (e *environment) await(ctx context.Context, p *parts, err error) {
	p.log.Warn("the database cannot be reached; waiting for it", "err", err)
	for err != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(storeRetry):
		}
		if err = e.begin(ctx, p); err != nil && p.reachable(ctx) {
			p.log.Error("the database is there, but cannot be used; correct it or the configuration", "err", err)
		}
	}
	p.log.Info("the database is there")
}

// announceFirstUser prints the first user's password once, to standard output and never to the log.
func (e *environment) announceFirstUser(ctx context.Context, p *parts) error {
	if e.configPath != "" && !p.cfg.FirstUser {
		return nil
	}
	secret, err := p.makeFirstUser(ctx)
	if err != nil {
		return fmt.Errorf("make first user: %w", err)
	}
	if secret == "" {
		return nil
	}
	_, err = fmt.Fprintf(e.Stdout, "user: %s\npassword: %s\n", firstUserName, secret)
	return err
}

// running is a proxy that is ready to run.
type running struct {
	cfg        config.Config
	log        *slog.Logger
	public     *http.Server
	admin      *http.Server // nil: none
	background []func(ctx context.Context)
}

// doors are the listeners. They are opened before anything is made or printed: a taken port must not cost the first password.
type doors struct {
	public net.Listener
	admin  net.Listener // nil: none
}

func openDoors(ctx context.Context, cfg config.Config) (d doors, err error) {
	if d.public, err = listen(ctx, "listen", cfg.Listen); err != nil {
		return d, err
	}
	if cfg.AdminListen == "" {
		return d, nil
	}
	if d.admin, err = listen(ctx, "admin_listen", cfg.AdminListen); err != nil {
		d.close()
	}
	return d, err
}

// close closes the doors that no server has closed already.
func (d doors) close() {
	for _, l := range []net.Listener{d.public, d.admin} {
		if l != nil {
			_ = l.Close() // of a listener: nothing can be lost
		}
	}
}

// listen opens a listener; when it cannot, the message names the key.
func listen(ctx context.Context, key, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: the address %s is in use by another process; stop it, or set %s (or COATCHECK_%s) to a free one",
			key, address, key, strings.ToUpper(key))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: the address %s needs a privilege; use a port from 1024 on, or grant CAP_NET_BIND_SERVICE", key, address)
	case err != nil:
		return nil, fmt.Errorf("%s: listen on %s: %w", key, address, err)
	}
	return l, nil
}

// serve serves at the doors until ctx ends, then drains.
func (r *running) serve(ctx context.Context, d doors) error {
	failed := make(chan error, 2)
	var wg sync.WaitGroup
	start := func(s *http.Server, l net.Listener) {
		wg.Go(func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
			}
		})
	}
	background, stopBackground := context.WithCancel(ctx)
	for _, work := range r.background {
		wg.Go(func() { work(background) })
	}
	start(r.public, proxy.WatchedListener(d.public))
	if d.admin != nil {
		start(r.admin, d.admin)
	}
	r.log.Info("coatcheck is listening", "address", d.public.Addr().String(), "open", r.address(d.public), "version", readBuildFacts().Version)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	err = errors.Join(err, r.drain())
	stopBackground()
	wg.Wait()
	return err
}

// drain refuses new connections and lets running requests finish.
func (r *running) drain() error {
	r.log.Info("stopping: running requests may finish", "grace", r.cfg.ShutdownGrace.String())
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.ShutdownGrace)
	defer cancel()
	err := r.public.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		r.log.Warn("some requests did not finish in time and were cut off")
		err = r.public.Close()
	}
	if r.admin != nil {
		err = errors.Join(err, r.admin.Close())
	}
	if err == nil {
		r.log.Info("stopped")
	}
	return err
}

// address is what to type into a browser.
func (r *running) address(l net.Listener) string {
	if r.cfg.PublicURL != "" {
		return r.cfg.PublicURL
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	host, _, _ := net.SplitHostPort(r.cfg.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// hangups says that a reload is not served, instead of dying by SIGHUP.
func hangups(ctx context.Context, log *slog.Logger) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			log.Warn("SIGHUP: this version does not reload its configuration; restart it")
		}
	}
}
