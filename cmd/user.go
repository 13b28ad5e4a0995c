package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"coatcheck/auth"
	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
)

func newUser(env *environment) *cobra.Command {
	return group(&cobra.Command{
		Use:     "user",
		Short:   "Look after the user table",
		Example: "  coatcheck user add alice --email alice@example.com --group editors",
	},
		newUserAdd(env), newUserList(env), newUserShow(env), newUserPasswd(env), newUserVerify(env),
		newUserSwitch(env, "enable", "Let a user log in again", true),
		newUserSwitch(env, "disable", "Keep a user out; the user's sessions end within seconds", false),
		newUserDelete(env), newUserGroups(env))
}

// withUsers runs act over the user directory of the configuration.
func (e *environment) withUsers(ctx context.Context, act func(context.Context, *userdb.Directory) error) error {
	return e.withParts(ctx, func(p *parts) error { return explainUser(act(ctx, p.users)) })
}

// withParts opens what the configuration names. Our own database is made by whichever command comes first.
func (e *environment) withParts(ctx context.Context, act func(*parts) error) error {
	p, err := e.open()
	if err != nil {
		return err
	}
	defer p.close()
	if p.ownDatabase() {
		if err := p.prepare(ctx); err != nil {
			return err
		}
	}
	return act(p)
}

func explainUser(err error) error {
	if errors.Is(err, auth.ErrNoUser) {
		return fmt.Errorf("%w; see 'coatcheck user list'", err)
	}
	return err
}

func newUserAdd(env *environment) *cobra.Command {
	var n userdb.NewUser
	var fromStdin bool
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user; asks for the password",
		Long: `Adds a user. The password is asked for at the terminal, or read from the first line
of standard input; it is never an argument, which others on the machine could read.
Missing tables are made where the database is empty or Django's.`,
		Example: "  coatcheck user add alice --email alice@example.com --group editors\n" +
			"  pwgen 20 1 | tee alice.txt | coatcheck user add alice --password-stdin",
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			n.Username = names[0]
			password, err := env.readPassword(fromStdin)
			if err != nil {
				return err
			}
			n.Password = password
			return env.withParts(c.Context(), func(p *parts) error {
				if err := p.prepare(c.Context()); err != nil {
					return err
				}
				user, err := p.users.Add(c.Context(), n)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(env.Stdout, "added user %s (id %s)\n", user.Username, user.ID)
				return err
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&n.Email, "email", "", "e-mail `address`")
	flags.StringVar(&n.FirstName, "first-name", "", "first `name`")
	flags.StringVar(&n.LastName, "last-name", "", "last `name`")
	flags.BoolVar(&n.Staff, "staff", false, "may pass routes with staff: true")
	flags.BoolVar(&n.Superuser, "superuser", false, "may pass routes with superuser: true")
	flags.StringSliceVar(&n.Groups, "group", nil, "`groups` of the user, made where they are missing")
	flags.BoolVar(&fromStdin, "password-stdin", false, "read the password from the first line of standard input")
	return c
}

// userView is a user as the commands print one; no password column.
type userView struct {
	ID        string     `json:"id"`
	Username  string     `json:"username"`
	Email     string     `json:"email,omitempty"`
	Name      string     `json:"name,omitempty"`
	Groups    []string   `json:"groups"`
	Active    bool       `json:"active"`
	Staff     bool       `json:"staff"`
	Superuser bool       `json:"superuser"`
	LastLogin *time.Time `json:"last_login"`
}

func viewUser(a userdb.Account) userView {
	v := userView{ID: a.ID, Username: a.Username, Email: a.Email, Name: strings.TrimSpace(a.FirstName + " " + a.LastName),
		Groups: append([]string{}, a.Groups...), Active: a.Active, Staff: a.Staff, Superuser: a.Superuser}
	if !a.LastLogin.IsZero() {
		at := a.LastLogin.UTC()
		v.LastLogin = &at
	}
	return v
}

func (v userView) flags() string {
	var words []string
	for _, f := range []struct {
		on   bool
		word string
	}{{!v.Active, "disabled"}, {v.Staff, "staff"}, {v.Superuser, "superuser"}} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return dash(strings.Join(words, ","))
}

func (v userView) lastLogin() string {
	if v.LastLogin == nil {
		return "never"
	}
	return v.LastLogin.Format(time.RFC3339)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func newUserList(env *environment) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the users",
		Example: "  coatcheck user list --json",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return env.withUsers(c.Context(), func(ctx context.Context, users *userdb.Directory) error {
				accounts, err := users.List(ctx)
				if err != nil {
					return err
				}
				views := make([]userView, len(accounts))
				for i, a := range accounts {
					views[i] = viewUser(a)
				}
				if asJSON {
					return printJSON(env.Stdout, views)
				}
				return env.printUsers(views)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *environment) printUsers(views []userView) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tEMAIL\tGROUPS\tFLAGS\tLAST LOGIN")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.Username, dash(v.Email), dash(strings.Join(v.Groups, ",")), v.flags(), v.lastLogin())
	}
	return w.Flush()
}

func newUserShow(env *environment) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "show NAME",
		Short:   "Show one user",
		Example: "  coatcheck user show alice",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withUsers(c.Context(), func(ctx context.Context, users *userdb.Directory) error {
				account, err := users.Named(ctx, names[0])
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(env.Stdout, viewUser(account))
				}
				return env.printUser(viewUser(account))
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *environment) printUser(v userView) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{{"id", v.ID}, {"username", v.Username}, {"name", dash(v.Name)}, {"email", dash(v.Email)},
		{"groups", dash(strings.Join(v.Groups, ","))}, {"flags", v.flags()}, {"last login", v.lastLogin()}} {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	return w.Flush()
}

func newUserPasswd(env *environment) *cobra.Command {
	var fromStdin bool
	c := &cobra.Command{
		Use:     "passwd NAME",
		Short:   "Set a user's password; all the user's sessions end",
		Example: "  coatcheck user passwd alice",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withParts(c.Context(), func(p *parts) error {
				if _, err := p.users.Named(c.Context(), names[0]); err != nil { // before anybody types a password
					return explainUser(err)
				}
				password, err := env.readPassword(fromStdin)
				if err != nil {
					return err
				}
				if err := p.users.SetPassword(c.Context(), names[0], password); err != nil {
					return err
				}
				if err := p.forgetFailures(c.Context(), names[0]); err != nil {
					return err
				}
				_, err = fmt.Fprintf(env.Stdout, "password of %s set; sessions made before have ended\n", names[0])
				return err
			})
		},
	}
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "read the password from the first line of standard input")
	return c
}

// forgetFailures lets a user log in at once after an operator helped. Without the table nothing was counted yet.
func (p *parts) forgetFailures(ctx context.Context, name string) error {
	if err := p.throttle.Reset(ctx, name); !sqlconn.IsMissingTable(err) {
		return err
	}
	return nil
}

func newUserSwitch(env *environment, verb, short string, active bool) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " NAME",
		Short:   short,
		Example: "  coatcheck user " + verb + " alice",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withParts(c.Context(), func(p *parts) error {
				if err := p.users.SetActive(c.Context(), names[0], active); err != nil {
					return explainUser(err)
				}
				if err := p.forgetFailures(c.Context(), names[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(env.Stdout, "%sd %s\n", verb, names[0])
				return err
			})
		},
	}
}

func newUserDelete(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a user; the user's sessions end",
		Long: `Deletes a user and the memberships. Where a Django owns the table, other tables may point
to the user: then the database refuses, and disabling is the better way.`,
		Example: "  coatcheck user delete alice",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withUsers(c.Context(), func(ctx context.Context, users *userdb.Directory) error {
				if err := users.Delete(ctx, names[0]); err != nil {
					return err
				}
				_, err := fmt.Fprintf(env.Stdout, "deleted %s\n", names[0])
				return err
			})
		},
	}
}

func newUserGroups(env *environment) *cobra.Command {
	var set, add, remove []string
	c := &cobra.Command{
		Use:   "groups NAME",
		Short: "Show or change a user's groups",
		Example: "  coatcheck user groups alice\n  coatcheck user groups alice --add editors,admins --remove guests\n" +
			"  coatcheck user groups alice --set editors",
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			replace := c.Flags().Changed("set")
			if replace && len(add)+len(remove) > 0 {
				return usageError{errors.New("--set replaces all groups; it does not go with --add and --remove")}
			}
			return env.withUsers(c.Context(), func(ctx context.Context, users *userdb.Directory) error {
				if err := changeGroups(ctx, users, names[0], replace, set, add, remove); err != nil {
					return err
				}
				account, err := users.Named(ctx, names[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(env.Stdout, dash(strings.Join(account.Groups, "\n")))
				return err
			})
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&set, "set", nil, "these `groups` and no others; empty for none")
	flags.StringSliceVar(&add, "add", nil, "`groups` to add, made where they are missing")
	flags.StringSliceVar(&remove, "remove", nil, "`groups` to remove")
	return c
}

func changeGroups(ctx context.Context, users *userdb.Directory, name string, replace bool, set, add, remove []string) error {
	if replace {
		return users.SetGroups(ctx, name, set)
	}
	if len(add) > 0 {
		if err := users.AddGroups(ctx, name, add); err != nil {
			return err
		}
	}
	if len(remove) > 0 {
		return users.RemoveGroups(ctx, name, remove)
	}
	return nil
}
