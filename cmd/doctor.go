package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coatcheck/internal/config"
	"coatcheck/internal/doctor"
	"coatcheck/proxy/upstream"
)

func newDoctor(env *environment) *cobra.Command {
	var asJSON bool
	var address string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what makes logins fail, and say what to change",
		Long: `Looks for what makes logins fail: cookie flags against the public URL, clocks, stores,
the secret key against existing sessions, users, upstreams, trusted proxies, certificates,
files. Each line says what was seen and what to change. Nothing is changed, and no secret
is shown. Run it as the user that coatcheck runs as. The exit code is 1 if there is a problem;
warnings are none.`,
		Example: "  coatcheck doctor --config config.yaml\n  coatcheck doctor --url https://app.example.com",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkAddress(address); err != nil {
				return usageError{err}
			}
			return env.printFindings(env.examine(c.Context(), address), asJSON)
		},
	}
	c.Flags().StringVar(&address, "url", "", "ask a running coatcheck at this `address` of browsers, too")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func checkAddress(address string) error {
	u, err := url.Parse(address)
	if address != "" && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("--url is no address of browsers: write https://app.example.com")
	}
	return nil
}

// examine opens what is there, and makes nothing.
func (e *environment) examine(ctx context.Context, address string) []doctor.Finding {
	cfg, err := config.Load(e.options(nil))
	if err != nil {
		return unloadable(err)
	}
	p := newParts(cfg, slog.New(slog.DiscardHandler), nil, nil)
	defer p.close()
	patient := &doctor.Patient{Config: cfg, ConfigPath: e.configPath, URL: strings.TrimSuffix(address, "/"), Now: time.Now,
		Foreign: p.foreign, Reach: p.reach,
		Running: func(ctx context.Context) bool { return checkHealth(ctx, cfg.AdminListen, "/healthz") == nil },
	}
	p.admit(patient)
	return patient.Examine(ctx)
}

func unloadable(err error) []doctor.Finding {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return []doctor.Finding{{Check: "configuration", Level: doctor.Problem, Seen: err.Error(), Advice: "correct the configuration"}}
	}
	var findings []doctor.Finding
	for _, problem := range problems {
		findings = append(findings, doctor.Finding{Check: "configuration", Level: doctor.Problem, Key: problem.Key, Seen: problem.String(), Advice: "correct the configuration; without it nothing else was looked at"})
	}
	return findings
}

// admit opens one part after the other; those that cannot be opened are findings.
func (p *parts) admit(to *doctor.Patient) {
	blocked := func(key, advice string, err error) {
		if err != nil {
			to.Blocked = append(to.Blocked, doctor.Finding{Check: "open", Level: doctor.Problem, Key: key, Seen: err.Error(), Advice: advice})
		}
	}
	blocked("secret_key", "run it as the user that coatcheck runs as, or correct the file", p.presentKeys(to))
	if p.presentDatabase() {
		blocked("database.url", "correct database.url, or let this user read and write the file", p.openDatabase())
	}
	if p.db != nil {
		blocked("users", "correct the section users", p.openUsers())
	}
	if !p.cfg.Cache.URL.Empty() {
		_, err := p.openCache()
		blocked("cache.url", "correct cache.url", err)
	}
	to.Keys, to.Database, to.UserDatabase, to.Users, to.Formats, to.Cache = p.keys, p.db, p.userDB, p.users, p.hashes, p.cache
	to.SessionDir = p.presentSessionDir()
}

// presentKeys reads the secret key that was configured, or made before.
func (p *parts) presentKeys(to *doctor.Patient) error {
	if p.configuredKeys(); p.keys.Secret != "" {
		return nil
	}
	name := filepath.Join(p.cfg.DataDir, "secret_key")
	to.KeyFile = name
	key, err := readSecretKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p.keys.Secret = key
	return err
}

// presentDatabase reports whether the database may be there; opening an SQLite file that is not would make it.
func (p *parts) presentDatabase() bool {
	path, isFile := strings.CutPrefix(p.cfg.Database.URL.Reveal(), "sqlite:")
	if p.ownDatabase() {
		path, isFile = filepath.Join(p.cfg.DataDir, "coatcheck.sqlite3"), true
	}
	users, usersInFile := strings.CutPrefix(p.cfg.Users.URL.Reveal(), "sqlite:")
	return !(isFile && absent(path)) && !(usersInFile && absent(users))
}

func absent(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// presentSessionDir is the folder of the engine file; empty: it is not there, or another engine is used.
func (p *parts) presentSessionDir() string {
	dir := p.cfg.Session.FilePath
	if dir == "" {
		dir = filepath.Join(p.cfg.DataDir, "sessions")
	}
	if p.cfg.Session.Engine != "file" || absent(dir) {
		return ""
	}
	return dir
}

// reach asks an upstream as the proxy would.
func (p *parts) reach(url string, r config.Route) (doctor.Upstream, error) {
	u, err := upstream.New(p.upstreamOptions(url, r))
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error { u.Close(); return nil })
	return u, nil
}

// printFindings returns an error if there is a problem.
func (e *environment) printFindings(findings []doctor.Finding, asJSON bool) error {
	problems := 0
	for _, f := range findings {
		problems += count(f.Level == doctor.Problem)
		if !asJSON {
			printFinding(e.Stdout, f)
		}
	}
	if asJSON {
		if err := printJSON(e.Stdout, findings); err != nil {
			return err
		}
	}
	if problems > 0 {
		return fmt.Errorf("doctor: problems found: %d", problems)
	}
	return nil
}

// printFinding is a line for what was seen, and one for what to change.
func printFinding(w interface{ Write([]byte) (int, error) }, f doctor.Finding) {
	fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, f.Check, f.Seen)
	if f.Advice != "" {
		key := ""
		if f.Key != "" {
			key = " (" + f.Key + ")"
		}
		fmt.Fprintf(w, "%-8s → %s%s\n", "", f.Advice, key)
	}
}
