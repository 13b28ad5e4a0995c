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
	"coatcheck/sessionstore"
)

func newSession(env *environment) *cobra.Command {
	return group(&cobra.Command{
		Use:   "session",
		Short: "Look after live sessions",
		Long: `Looks after live sessions. A session is named by the beginning of a hash, as in the log;
its key, with which anybody could take it over, is never shown.`,
		Example: "  coatcheck session delete --user alice",
	}, newSessionList(env), newSessionShow(env), newSessionDelete(env), newSessionClear(env))
}

// sessionView is a session as the commands print one.
type sessionView struct {
	Session  string     `json:"session"`
	UserID   string     `json:"user_id,omitempty"`
	Username string     `json:"username,omitempty"`
	Expires  *time.Time `json:"expires"`

	key string
}

func (v sessionView) expires() string {
	if v.Expires == nil {
		return "unknown"
	}
	return v.Expires.UTC().Format(time.RFC3339)
}

func (v sessionView) who() string {
	switch {
	case v.Username != "":
		return v.Username
	case v.UserID != "":
		return "(user id " + v.UserID + ")"
	}
	return "(anonymous)"
}

// sessionLister walks the live sessions of a store.
type sessionLister struct {
	sessions *sessionstore.Sessions
	keys     sessionstore.Lister
	users    auth.Directory
	names    map[string]string // user id → name, for this walk
}

func (p *parts) lister() (*sessionLister, error) {
	keys, ok := p.store.(sessionstore.Lister)
	if !ok {
		return nil, fmt.Errorf("session.engine %s keeps no list of its sessions, so they cannot be listed or ended one by one; "+
			"a user's sessions end with a new password or with 'coatcheck user disable'", p.cfg.Session.Engine)
	}
	return &sessionLister{sessions: p.sessions, keys: keys, users: p.users, names: map[string]string{}}, nil
}

// each calls visit for each live session. Records that cannot be trusted are passed over.
func (l *sessionLister) each(ctx context.Context, visit func(sessionView, *sessionstore.Session) error) error {
	var keys []string
	err := l.keys.Keys(ctx, func(key string) bool {
		keys = append(keys, key)
		return true
	})
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	for _, key := range keys {
		session, err := l.sessions.Open(ctx, key)
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		if session.Key() == "" {
			continue
		}
		view, err := l.view(ctx, session)
		if err != nil {
			return err
		}
		if err := visit(view, session); err != nil {
			return err
		}
	}
	return nil
}

func (l *sessionLister) view(ctx context.Context, session *sessionstore.Session) (sessionView, error) {
	v := sessionView{Session: sessionstore.KeyHash(session.Key()), key: session.Key()}
	if ends := session.Ends(); !ends.IsZero() {
		v.Expires = &ends
	}
	id, ok := auth.UserID(session)
	if !ok {
		return v, nil
	}
	v.UserID = id
	name, known := l.names[id]
	if !known {
		user, err := l.users.User(ctx, id)
		if err != nil && !errors.Is(err, auth.ErrNoUser) {
			return v, fmt.Errorf("look up user of session: %w", err)
		}
		name = user.Username
		l.names[id] = name
	}
	v.Username = name
	return v, nil
}

func (e *environment) withSessions(ctx context.Context, act func(*parts, *sessionLister) error) error {
	return e.withParts(ctx, func(p *parts) error {
		l, err := p.lister()
		if err != nil {
			return err
		}
		return act(p, l)
	})
}

func newSessionList(env *environment) *cobra.Command {
	var asJSON bool
	var user string
	c := &cobra.Command{
		Use:     "list",
		Short:   "List live sessions",
		Example: "  coatcheck session list --user alice",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return env.withSessions(c.Context(), func(_ *parts, l *sessionLister) error {
				views := []sessionView{}
				err := l.each(c.Context(), func(v sessionView, _ *sessionstore.Session) error {
					if user == "" || v.Username == user {
						views = append(views, v)
					}
					return nil
				})
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(env.Stdout, views)
				}
				return env.printSessions(views)
			})
		},
	}
	c.Flags().StringVar(&user, "user", "", "only the sessions of this user `name`")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (e *environment) printSessions(views []sessionView) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SESSION\tUSER\tEXPIRES")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\n", v.Session, v.who(), v.expires())
	}
	return w.Flush()
}

// errFound ends a walk early.
var errFound = errors.New("found")

// find calls act with the one live session that is named by name, the beginning of its hash.
func (l *sessionLister) find(ctx context.Context, name string, act func(sessionView, *sessionstore.Session) error) error {
	if len(name) < 6 {
		return usageError{fmt.Errorf("session %q: give at least 6 characters of what 'session list' shows", name)}
	}
	err := l.each(ctx, func(v sessionView, s *sessionstore.Session) error {
		if !strings.HasPrefix(v.Session, name) {
			return nil
		}
		if err := act(v, s); err != nil {
			return err
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return nil
	case err == nil:
		return fmt.Errorf("no live session %s; see 'coatcheck session list'", name)
	}
	return err
}

func newSessionShow(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "show SESSION",
		Short:   "Show one session: whose it is, until when, and what it holds",
		Long:    "Shows one session. Of its data only the names are shown: the values are the application's secrets.",
		Example: "  coatcheck session show 3f9a0c1b22de",
		Args:    args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			return env.withSessions(c.Context(), func(_ *parts, l *sessionLister) error {
				return l.find(c.Context(), names[0], func(v sessionView, s *sessionstore.Session) error {
					var held []string
					for name := range s.All() {
						held = append(held, name)
					}
					w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
					fmt.Fprintf(w, "session\t%s\nuser\t%s\nexpires\t%s\nends with the browser\t%t\nholds\t%s\n",
						v.Session, v.who(), v.expires(), s.BrowserClose(), dash(strings.Join(held, ", ")))
					return w.Flush()
				})
			})
		},
	}
}

func newSessionDelete(env *environment) *cobra.Command {
	var user string
	var all bool
	c := &cobra.Command{
		Use:     "delete [SESSION]",
		Short:   "End a session, all of a user, or all",
		Example: "  coatcheck session delete 3f9a0c1b22de\n  coatcheck session delete --user alice\n  coatcheck session delete --all",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			if given := len(names) + count(user != "") + count(all); given != 1 {
				return usageError{errors.New("name one of: a session, --user NAME, --all")}
			}
			return env.withSessions(c.Context(), func(p *parts, l *sessionLister) error {
				if len(names) == 1 {
					return l.find(c.Context(), names[0], func(v sessionView, _ *sessionstore.Session) error {
						return env.endSessions(c.Context(), p, []sessionView{v})
					})
				}
				var doomed []sessionView
				err := l.each(c.Context(), func(v sessionView, _ *sessionstore.Session) error {
					if all || v.Username == user {
						doomed = append(doomed, v)
					}
					return nil
				})
				if err != nil {
					return err
				}
				return env.endSessions(c.Context(), p, doomed)
			})
		},
	}
	c.Flags().StringVar(&user, "user", "", "end all sessions of this user `name`")
	c.Flags().BoolVar(&all, "all", false, "end all sessions of everybody")
	return c
}

func count(on bool) int {
	if on {
		return 1
	}
	return 0
}

func (e *environment) endSessions(ctx context.Context, p *parts, doomed []sessionView) error {
	for i, v := range doomed {
		if err := p.store.Delete(ctx, v.key); err != nil {
			return fmt.Errorf("ended %d of %d sessions: delete session %s: %w", i, len(doomed), v.Session, err)
		}
	}
	_, err := fmt.Fprintf(e.Stdout, "ended %d\n", len(doomed))
	return err
}

func newSessionClear(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:     "clear",
		Short:   "Remove expired sessions from the store (Django's clearsessions)",
		Long:    "Removes expired sessions from the store. The running proxy does so by itself about once an hour.",
		Example: "  coatcheck session clear",
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return env.withParts(c.Context(), func(p *parts) error {
				n, err := p.store.ClearExpired(c.Context())
				if err != nil {
					return fmt.Errorf("clear expired sessions (%d removed): %w", n, err)
				}
				_, err = fmt.Fprintf(env.Stdout, "removed %d expired\n", n)
				return err
			})
		},
	}
}
