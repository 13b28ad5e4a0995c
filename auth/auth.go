// Package auth answers who a request speaks for: it turns a session into a principal, and logs in and out as Django does
// (contrib/auth/__init__.py). It knows no HTTP and no database.
package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"coatcheck/sessionstore"
)

// User is a row of the user directory.
type User struct {
	ID        string // the primary key as text, whatever its column type
	Username  string
	Password  string // the encoded password column as stored; never logged
	Email     string
	FirstName string
	LastName  string
	Groups    []string // sorted by name
	Active    bool
	Staff     bool
	Superuser bool
	// Upgraded says that the check that returned this user rewrote the password column.
	Upgraded bool
}

// Principal is whom a request speaks for. The zero Principal is anonymous.
type Principal struct {
	ID        string
	Username  string
	Email     string
	Name      string // first and last name joined, as Django's get_full_name
	Groups    []string
	Staff     bool
	Superuser bool
	// Session is the session the principal came from; nil for the anonymous one without a session.
	Session *sessionstore.Session
	// AuthTime is when the user logged in; zero where no limit needs it.
	AuthTime time.Time
	// Ends are the limits of the session.
	Ends Deadlines

	ofUser, ofSession *remembered // nil: nothing is
}

// Deadlines are when a session ends whatever its record says. Zero times are none.
type Deadlines struct {
	Idle     time.Time // unless it is used before
	Absolute time.Time
}

// Cap is age, or what is left of the absolute limit at now where that is less, to the nearest second: cookies know no fractions.
func (d Deadlines) Cap(age time.Duration, now time.Time) time.Duration {
	if d.Absolute.IsZero() {
		return age
	}
	return min(age, max(0, d.Absolute.Sub(now).Round(time.Second)))
}

// Next is the earlier of both.
func (d Deadlines) Next() time.Time {
	if d.Idle.IsZero() || !d.Absolute.IsZero() && d.Absolute.Before(d.Idle) {
		return d.Absolute
	}
	return d.Idle
}

// Anonymous reports whether nobody is logged in.
func (p Principal) Anonymous() bool { return p.ID == "" }

var (
	// ErrNoUser: the directory was asked and has no such user.
	ErrNoUser = errors.New("no such user")
	// ErrInvalidCredentials: wrong password, unknown, disabled or unusable user; deliberately one error for all of them.
	ErrInvalidCredentials = errors.New("invalid credentials")
	// ErrBusy: too many password checks are waiting; nothing was checked (ASVS 15.2.2).
	ErrBusy = errors.New("too many logins at once")
)

// ThrottledError: too many failures; the password was not looked at.
type ThrottledError struct {
	RetryAfter time.Duration
}

func (e *ThrottledError) Error() string {
	return fmt.Sprintf("too many failed logins; retry after %s", e.RetryAfter)
}

// Directory looks users up. Any error but [ErrNoUser] means that it could not be asked.
type Directory interface {
	User(ctx context.Context, id string) (User, error)
}

// PasswordChecker checks a login name and password, spending the same work whether or not the user exists. It returns
// [ErrInvalidCredentials] or [ErrBusy]; any other error means that it could not be asked. The User it returns carries the password
// column as it is after a possible upgrade.
type PasswordChecker interface {
	CheckPassword(ctx context.Context, login, password string) (User, error)
}

// Attempt is one login attempt.
type Attempt struct {
	Login    string
	Password string
	Client   netip.Addr
	Remember Remember
	Browser  *Browser // nil: a client that keeps nothing
}

// Remember is the answer to "remember me".
type Remember int

const (
	RememberDefault Remember = iota // as configured
	RememberOn                      // keep the cookie for cookie_age
	RememberOff                     // browser-close cookie ("this is a shared computer")
)
