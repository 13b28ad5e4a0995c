package cmd

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"coatcheck/internal/config"
)

func newServe(env *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Long: `Runs the proxy until SIGTERM or SIGINT; then running requests finish (shutdown_grace);
a second one ends it at once. SIGHUP, or a change of its file, loads the configuration
anew: all but listen, admin_listen and data_dir. One with a mistake changes nothing.

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
		return env.serve(c.Context(), config.FlagValues(given))
	}
	return c
}

func (e *environment) serve(ctx context.Context, flags map[string]any) error {
	ctx, hard, release := stops(ctx)
	defer release()
	cfg, err := e.load(flags)
	if err != nil {
		return err
	}
	s := newServer(e, flags, cfg)
	signal.Notify(s.hangups, syscall.SIGHUP)
	defer signal.Stop(s.hangups)
	defer s.sink.close()
	defer s.audit.Close()
	for _, w := range cfg.Warnings {
		s.log.Warn("configuration: " + w.String())
	}
	doors, err := openDoors(ctx, cfg, e.Environ)
	if err != nil {
		return err
	}
	defer doors.close()
	s.doors = doors
	first, err := s.build(cfg)
	if err != nil {
		return err
	}
	if cfg.TLS.On() {
		certificates, err := s.certify(cfg, first.parts.keys, first.parts.log)
		if err != nil {
			return errors.Join(err, first.parts.close())
		}
		s.present(certificates)
	}
	err = first.prepare(ctx, func(ctx context.Context) error { return e.begin(ctx, first.parts) })
	if err != nil {
		return errors.Join(err, first.parts.close())
	}
	if now := s.certificates.Load(); now != nil {
		now.Begin() // after its table may have been made
	}
	s.install(first)
	return s.serve(ctx, hard)
}

// begin makes what is missing in the database.
func (e *environment) begin(ctx context.Context, p *parts) error {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	return e.announceFirstUser(ctx, p)
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
