package cmd

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckTimeout is shorter than any container's own, so that the reason is printed.
const healthcheckTimeout = 2 * time.Second

func newHealthcheck(env *environment) *cobra.Command {
	var ready bool
	c := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running proxy whether it is well (for containers)",
		Long: `Asks the admin listener of the proxy that runs with this configuration: exit code 0
if it is well, 1 if not. With --ready also its stores have to answer.`,
		Example: "  coatcheck healthcheck\n  coatcheck healthcheck --ready --config config.yaml",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := env.load(nil)
			if err != nil {
				return err
			}
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return checkHealth(c.Context(), cfg.AdminListen, path)
		},
	}
	c.Flags().BoolVar(&ready, "ready", false, "ask whether it is ready: its stores answer")
	return c
}

func checkHealth(ctx context.Context, admin, path string) error {
	if admin == "" {
		return usageError{fmt.Errorf("admin_listen is empty: there is nothing to ask")}
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(admin)+path, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", admin, err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never through a proxy of the environment
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s (key admin_listen): %w", admin, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", path, res.Status)
	}
	return nil
}

// reachable turns an address to listen on into one to ask: ":9091" and "0.0.0.0:9091" are not destinations.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch strings.Trim(host, "[]") {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
