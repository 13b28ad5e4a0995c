package auth

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

// DefaultBackend is the dotted path that Django's own login writes into a session.
const DefaultBackend = "django.contrib.auth.backends.ModelBackend"

// Throttle counts failed logins. Its errors are *[ThrottledError] (only from Begin) or faults; a throttle that cannot be asked
// keeps everybody out, for otherwise breaking it would be the first step of guessing.
type Throttle interface {
	// Begin counts the attempt as failed and lets it go on, or refuses it uncounted; both in one atomic step.
	Begin(ctx context.Context, c Claim) error
	// Succeeded resets the account of an attempt that Begin let go on.
	Succeeded(ctx context.Context, c Claim) error
	// Withdraw takes the count of Begin back: nothing was checked.
	Withdraw(ctx context.Context, c Claim) error
}

// Claim is what an attempt counts against: who it says it is, and where it comes from.
type Claim struct {
	Login  string // as [CanonicalLogin] returns it
	Client netip.Addr
	// Browser is the id of a browser from which this account logged in before; "" for every other, whatever it shows. With it the attempt
	// counts against the browser instead of the address. After a success, a new id makes a browser known.
	Browser string
}

// Options are the parts of a [Service]. Directory, Checker, Keys and Sessions are required.
type Options struct {
	Directory Directory
	// Rows keeps the directory's rows in memory, for [Service.Principal]; nil: it asks the directory each time.
	Rows     Rows
	Checker  PasswordChecker
	Throttle Throttle // nil: failures are not counted
	// Factors are what users may have set up besides the password; one that a user has set up is asked for, of several any.
	Factors []Factor
	// Passwords lets users change theirs; nil: they cannot. Policy holds new ones against rules; nil: all but the empty one will do.
	Passwords Passwords
	Policy    PasswordPolicy
	Keys      signing.Keys
	// Backend is written into new sessions; empty means [DefaultBackend].
	Backend string
	// AcceptBackends are those of other programs whose sessions are honoured too (their AUTHENTICATION_BACKENDS).
	AcceptBackends []string
	Sessions       sessionstore.Settings
	// RecordLogin writes last_login; nil: it is not recorded.
	RecordLogin func(ctx context.Context, id string, at time.Time) error
	Log         *slog.Logger // nil: nothing is logged
	// Attrs adds what a security event should say of the request in ctx (request id, client).
	Attrs func(ctx context.Context) []slog.Attr
	Now   func() time.Time // nil: time.Now
}

// Service says who a session speaks for, and logs in and out. Safe for concurrent use; a session is not.
type Service struct {
	directory   Directory
	rows        Rows
	checker     PasswordChecker
	throttle    Throttle
	factors     []Factor
	passwords   Passwords
	policy      PasswordPolicy
	keys        signing.Keys
	backend     string
	accepted    []string
	sessions    sessionstore.Settings
	recordLogin func(ctx context.Context, id string, at time.Time) error
	log         *slog.Logger
	attrs       func(ctx context.Context) []slog.Attr
	now         func() time.Time

	pendingSigner    *signing.Signer
	lastLoginWarning sync.Once
}

// NewService returns a Service of the given parts.
func NewService(o Options) *Service {
	s := &Service{
		directory: o.Directory, rows: o.Rows, checker: o.Checker, throttle: o.Throttle, factors: o.Factors, passwords: o.Passwords, policy: o.Policy, keys: o.Keys, backend: o.Backend,
		sessions: o.Sessions, recordLogin: o.RecordLogin, log: o.Log, attrs: o.Attrs, now: o.Now,
		pendingSigner: signing.NewSigner(pendingSalt, o.Keys),
	}
	if s.throttle == nil {
		s.throttle = unthrottled{}
	}
	if s.backend == "" {
		s.backend = DefaultBackend
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.accepted = append(slices.Clone(o.AcceptBackends), s.backend)
	return s
}

func (s *Service) accepts(backend string) bool { return slices.Contains(s.accepted, backend) }

type unthrottled struct{}

func (unthrottled) Begin(context.Context, Claim) error     { return nil }
func (unthrottled) Succeeded(context.Context, Claim) error { return nil }
func (unthrottled) Withdraw(context.Context, Claim) error  { return nil }
