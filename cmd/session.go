package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"coatcheck/auth"
	"coatcheck/internal/config"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/ledger"
)

func newSession(env *environment) *cobra.Command {
	return group(&cobra.Command{
		Use:   "session",
		Short: "Look after live sessions",
		Long: `Looks after live sessions. A session is named by the beginning of a hash, as in the log;
its key, with which anybody could take it over, is never shown. Of the engines that
keep no list (signed_cookies, and cache with memcached) those are known whose users
have used them at coatcheck.`,
		Example: "  coatcheck session delete --user alice",
	}, newSessionList(env), newSessionShow(env), newSessionDelete(env), newSessionClear(env))
}

// sessionView is a session as the commands print one.
type sessionView struct {
	Session  string     `json:"session"`
	UserID   string     `json:"user_id,omitempty"`
	Username string     `json:"username,omitempty"`
	Expires  *time.Time `json:"expires"`
	// What our own table knows of it; nil and empty: it was not seen here yet.
	Created  *time.Time `json:"created,omitempty"`
	LastSeen *time.Time `json:"last_seen,omitempty"`
	Address  string     `json:"address,omitempty"`
	Device   string     `json:"device,omitempty"` // its User-Agent

	key, digest string
	saved       time.Time // at the earliest; zero: not known
}

// know adds what our own table knows.
func (v *sessionView) know(e ledger.Entry) {
	v.Created, v.LastSeen, v.Address, v.Device = &e.Created, &e.LastSeen, e.Address, e.Agent
}

// olderThan reports whether the session surely began before then.
func (v sessionView) olderThan(then time.Time) bool {
	if v.Created != nil {
		return v.Created.Before(then)
	}
	return !v.saved.IsZero() && v.saved.Before(then)
}

func (v sessionView) expires() string {
	return moment(v.Expires)
}

func moment(at *time.Time) string {
	if at == nil {
		return "unknown"
	}
	return at.UTC().Format(time.RFC3339)
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
	digest   func(key string) string
	known    map[string]ledger.Entry // by digest
	users    auth.Directory
	names    map[string]string // user id → name, for this walk
}

// lister walks the store where it keeps a list, and otherwise our own table, which knows all that users have used here.
func (p *parts) lister(ctx context.Context) (*sessionLister, error) {
	l := &sessionLister{sessions: p.sessions, digest: p.digest(), known: map[string]ledger.Entry{}, users: p.users, names: map[string]string{}}
	err := p.ledger.Held(ctx, func(e ledger.Entry) bool {
		l.known[e.Hash] = e
		return true
	})
	if err != nil && !sqlconn.IsMissingTable(err) { // beside a Django where coatcheck has not run yet, nothing is known
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	var lists bool
	if l.keys, lists = p.store.(sessionstore.Lister); !lists {
		l.keys = knownKeys{p.ledger, l.known}
	}
	return l, nil
}

// knownKeys lists the sessions of our own table.
type knownKeys struct {
	ledger *ledger.Ledger
	known  map[string]ledger.Entry
}

// Keys implements [sessionstore.Lister].
func (k knownKeys) Keys(ctx context.Context, yield func(key string) bool) error {
	for _, hash := range slices.Sorted(maps.Keys(k.known)) {
		key, err := k.ledger.Key(ctx, k.known[hash].UserID, hash)
		if errors.Is(err, ledger.ErrUnknown) {
			continue
		}
		if err != nil || !yield(key) {
			return err
		}
	}
	return nil
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
	digest := l.digest(session.Key())
	v := sessionView{Session: digest[:12], key: session.Key(), digest: digest}
	if ends := session.Ends(); !ends.IsZero() {
		v.Expires, v.saved = &ends, ends.Add(-max(session.Age(), 0))
	}
	if e, found := l.known[digest]; found {
		v.know(e)
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
		l, err := p.lister(ctx)
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
	fmt.Fprintln(w, "SESSION\tUSER\tCREATED\tLAST SEEN\tEXPIRES\tADDRESS\tDEVICE")
	for _, v := range views {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Session, v.who(), moment(v.Created), moment(v.LastSeen), v.expires(), dash(v.Address), dash(v.Device))
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
					fmt.Fprintf(w, "session\t%s\nuser\t%s\ncreated\t%s\nlast seen\t%s\naddress\t%s\ndevice\t%s\nexpires\t%s\nends with the browser\t%t\nholds\t%s\n",
						v.Session, v.who(), moment(v.Created), moment(v.LastSeen), dash(v.Address), dash(v.Device), v.expires(), s.BrowserClose(), dash(strings.Join(held, ", ")))
					return w.Flush()
				})
			})
		},
	}
}

func newSessionDelete(env *environment) *cobra.Command {
	var user, age string
	var all bool
	c := &cobra.Command{
		Use:     "delete [SESSION]",
		Short:   "End a session, all of a user, all that are older, or all",
		Example: "  coatcheck session delete 3f9a0c1b22de\n  coatcheck session delete --user alice\n  coatcheck session delete --older-than 30d\n  coatcheck session delete --all",
		Args:    args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, names []string) error {
			given := len(names) + count(user != "" || age != "") + count(all)
			if given != 1 {
				return usageError{errors.New("name one of: a session, --user NAME or --older-than AGE or both, --all")}
			}
			then, err := before(age)
			if err != nil {
				return usageError{err}
			}
			return env.withSessions(c.Context(), func(p *parts, l *sessionLister) error {
				if len(names) == 1 {
					return l.find(c.Context(), names[0], func(v sessionView, _ *sessionstore.Session) error {
						return env.endSessions(c.Context(), p, []sessionView{v})
					})
				}
				var doomed []sessionView
				err := l.each(c.Context(), func(v sessionView, _ *sessionstore.Session) error {
					if all || (user == "" || v.Username == user) && (age == "" || v.olderThan(then)) {
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
	c.Flags().StringVar(&age, "older-than", "", "end the sessions that began longer than this `age` ago, such as 30d or 12h")
	c.Flags().BoolVar(&all, "all", false, "end all sessions of everybody")
	return c
}

// before is the point in time that lies the age back.
func before(age string) (time.Time, error) {
	if age == "" {
		return time.Time{}, nil
	}
	d, err := config.ParseDuration(age)
	if err != nil {
		return time.Time{}, fmt.Errorf("--older-than: %q %w", age, err)
	}
	return time.Now().Add(-d), nil
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
		if err := p.ledger.End(ctx, v.digest, time.Now().Add(p.mark())); err != nil {
			return fmt.Errorf("ended %d of %d sessions: %w", i+1, len(doomed), err)
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
				if _, err := p.ledger.ClearRevoked(c.Context()); err != nil {
					return err
				}
				_, err = fmt.Fprintf(env.Stdout, "removed %d expired\n", n)
				return err
			})
		},
	}
}
