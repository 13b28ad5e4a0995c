package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"coatcheck/internal/config"
)

func newConfig(env *environment) *cobra.Command {
	return group(&cobra.Command{
		Use:     "config",
		Short:   "Check and show the configuration",
		Example: "  coatcheck config check --config config.yaml",
	}, newConfigCheck(env), newConfigShow(env), newConfigSchema(env))
}

func newConfigCheck(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "List every problem of the configuration with its key and line",
		Example: "  coatcheck config check --config config.yaml",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := env.load(nil)
			if err != nil {
				return err
			}
			if _, err := openLook(cfg.Login); err != nil {
				return err
			}
			for _, w := range cfg.Warnings {
				fmt.Fprintf(env.Stdout, "warning: %s\n", w)
			}
			_, err = fmt.Fprintln(env.Stdout, "the configuration is valid")
			return err
		},
	}
}

func newConfigShow(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Print the effective configuration: file, environment and defaults; secrets are masked",
		Example: "  COATCHECK_LISTEN=:9000 coatcheck config show",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := env.load(nil)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(env.Stdout, cfg.Effective())
			return err
		},
	}
}

func newConfigSchema(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of the configuration, for editors",
		Example: "  coatcheck config schema > coatcheck.schema.json",
		Args:    args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := env.Stdout.Write(config.Schema())
			return err
		},
	}
}
