package cmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/internal/sqlconn"
)

// refusedError says why a login would fail: the question was answered, with no.
type refusedError struct{ reasons []string }

func (e refusedError) Error() string { return strings.Join(e.reasons, "; ") }

func newUserVerify(env *environment) *cobra.Command {
	var fromStdin bool
	c := &cobra.Command{
		Use:   "verify NAME",
		Short: "Check a password against the user table, and say why a login fails",
		Long: `Checks a password as the login page does, and says every reason why that login would fail:
no such user, disabled, a stored password of an unknown or broken format, the wrong
password, too many failed logins. Nothing is counted or written, and nothing of the
stored password is shown but its format.

Exit codes: 0 the login would work, 3 it would not, 1 it could not be found out.`,
		Example: "  coatcheck user verify alice\n  coatcheck user verify alice --password-stdin < alice.txt",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withParts(c.Context(), func(p *parts) error {
				plain, err := env.readCurrent(fromStdin)
				if err != nil {
					return err
				}
				return env.verifyUser(c.Context(), p, names[0], plain)
			})
		},
	}
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from the first line of standard input")
	return c
}

func (e *environment) verifyUser(ctx context.Context, p *parts, name, plain string) error {
	login, ok := auth.CanonicalLogin(name)
	if !ok {
		return refusedError{[]string{"nobody can have this name: it is empty, too long, or holds a NUL"}}
	}
	user, err := p.users.Login(ctx, login)
	if errors.Is(err, auth.ErrNoUser) {
		return refusedError{[]string{fmt.Sprintf("no user %q in %s; names are compared exactly, with their case", login, p.userTable())}}
	}
	if err != nil {
		return err
	}
	reasons, err := p.refusals(ctx, user, login, plain)
	if err != nil {
		return err
	}
	if len(reasons) > 0 {
		return refusedError{reasons}
	}
	_, err = fmt.Fprintf(e.Stdout, "%s (id %s) can log in with this password\n", user.Username, user.ID)
	return err
}

func (p *parts) userTable() string {
	if p.cfg.Users.Query != "" {
		return "users.query"
	}
	return "the table " + p.cfg.Users.Table
}

// refusals are all reasons why the login would fail.
func (p *parts) refusals(ctx context.Context, user auth.User, login, plain string) ([]string, error) {
	var reasons []string
	if !user.Active {
		reasons = append(reasons, "the user is disabled")
	}
	match, _, err := p.hashes.Check(ctx, plain, user.Password)
	switch {
	case errors.Is(err, password.ErrUnusable):
		reasons = append(reasons, "the user has no usable password: the column is empty or begins with an exclamation mark")
	case errors.Is(err, password.ErrUnknownFormat):
		reasons = append(reasons, "the stored password is of a format that is not accepted: "+unknownFormat(user.Password))
	case errors.Is(err, password.ErrMalformed):
		reasons = append(reasons, "the stored password cannot be checked: "+err.Error())
	case err != nil:
		return nil, err
	case !match:
		format, _ := p.hashes.Identify(user.Password) // known: it was checked
		reasons = append(reasons, "the password is wrong (stored as "+format+")")
	}
	throttled, err := p.throttledFor(ctx, login)
	if throttled != "" {
		reasons = append(reasons, throttled)
	}
	return reasons, err
}

// throttledFor tells how long an attempt from a new place would have to wait.
func (p *parts) throttledFor(ctx context.Context, login string) (string, error) {
	failures, wait, err := p.throttle.Account(ctx, login)
	if sqlconn.IsMissingTable(err) {
		return "", nil
	}
	if err != nil || wait == 0 {
		return "", err
	}
	return fmt.Sprintf("%d logins in a row failed: from a new place the next one has to wait %s ('coatcheck user enable' or 'passwd' resets that)",
		failures, wait.Round(time.Second)), nil
}

// formatMark is how formats that have a mark begin. Anything else may be a password in plain text, of which nothing is shown.
var formatMark = regexp.MustCompile(`^(\$[a-zA-Z0-9-]{1,16}\$|\{[A-Za-z0-9.-]{1,16}\}|:[A-Za-z0-9]{1,8}:|[a-z0-9_]{1,24}\$)`)

// unknownFormat names the format that the stored password looks like, or what it begins with.
func unknownFormat(encoded string) string {
	for _, f := range password.Formats() {
		registry, err := password.FromNames([]string{f.Name})
		if err != nil || f.Name == "plain" { // which takes everything
			continue
		}
		if name, err := registry.Identify(encoded); err == nil && name == f.Name {
			return "it looks like " + f.Name + "; add that to users.password_formats"
		}
	}
	if mark := formatMark.FindString(encoded); mark != "" {
		return fmt.Sprintf("it begins with %s", mark)
	}
	return fmt.Sprintf("%d bytes without a mark of its format; perhaps plain text, which users.password_formats can name", len(encoded))
}
