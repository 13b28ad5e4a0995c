// Package cmd is the command line: one file per command, and wire.go, which builds the running proxy out of a Config.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"coatcheck/internal/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // wrong command line or configuration
	exitNo     = 3 // the question was answered, with no
)

// Process is what a run takes from the operating system.
type Process struct {
	Args    []string // without the program's name
	Environ []string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Run runs one command line and returns the exit code.
func Run(ctx context.Context, p Process) int {
	root := newRoot(p)
	root.SetArgs(p.Args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(p.Stderr, "coatcheck: "+err.Error())
	if usage := (usageError{}); errors.As(err, &usage) {
		return exitUsage
	}
	if refused := (refusedError{}); errors.As(err, &refused) {
		return exitNo
	}
	return exitFailed
}

// usageError is a fault of the command line or the configuration, not of the work.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// environment is what every command shares: the process and the flags of the root.
type environment struct {
	Process
	configPath string
}

func newRoot(p Process) *cobra.Command {
	env := &environment{Process: p}
	root := &cobra.Command{
		Use:   "coatcheck",
		Short: "An authenticating reverse proxy whose sessions are Django's",
		Long: `Coatcheck stands in front of web applications that cannot log people in themselves:
it shows the login page, keeps the session, and forwards each request with the
user's identity in headers. Its sessions, users and passwords are Django's.`,
		Example: `  coatcheck serve                                     # a demo, with a first user
  coatcheck serve --upstream http://127.0.0.1:3000    # in front of your application
  coatcheck user add alice`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usageError{fmt.Errorf("unknown command %q; %s", args[0], hint(c, args[0]))}
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see '%s --help'", err, c.CommandPath())}
	})
	root.PersistentFlags().StringVar(&env.configPath, "config", "", "configuration `file` (YAML)")
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newServe(env), newUser(env), newSession(env), newConfig(env), newDoctor(env), newHealthcheck(env), newVersion(env))
	return root
}

func hint(c *cobra.Command, arg string) string {
	if near := c.SuggestionsFor(arg); len(near) > 0 {
		return fmt.Sprintf("did you mean '%s %s'?", c.CommandPath(), near[0])
	}
	return fmt.Sprintf("see '%s --help'", c.CommandPath())
}

// group returns a command that only holds others.
func group(c *cobra.Command, sub ...*cobra.Command) *cobra.Command {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usageError{fmt.Errorf("unknown command %q; %s", args[0], hint(c, args[0]))}
	}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(sub...)
	return c
}

// args makes a wrong number of arguments a usage error that shows the command's form.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if err := check(c, given); err != nil {
			return usageError{fmt.Errorf("%w; usage: %s", err, c.UseLine())}
		}
		return nil
	}
}

// load reads the configuration; every problem is reported at once.
func (e *environment) load(flags map[string]any) (config.Config, error) {
	cfg, err := config.Load(e.options(flags))
	if err != nil {
		return config.Config{}, usageError{fmt.Errorf("configuration:\n%s", indent(err.Error()))}
	}
	return cfg, nil
}

func (e *environment) options(flags map[string]any) config.Options {
	return config.Options{Path: e.configPath, Environ: e.Environ, Flags: flags}
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
