package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

const (
	// credentialsAge is how long a password that was checked is not hashed again, at most.
	credentialsAge = 60 * time.Second
	// credentialsKept is how many logins are remembered; the oldest goes first. 4096 take 1 MiB.
	credentialsKept = 4096
)

// Credentials checks a name and a password that come with every request, for scripts (RFC 7617). It makes no session. A password that
// was right is remembered for a minute, keyed by HMAC, so that a script does not hash with each request; the user's row is read each
// time, and one that changed is checked anew. Safe for concurrent use.
//
// There is one entry for each name and client, and a wrong password takes it away: otherwise guessing could go on past the throttle
// while the owner's script is running, as a right guess alone would be answered from here.
type Credentials struct {
	service *Service
	key     []byte // of this process alone

	mu      sync.Mutex
	entries map[digest]verified
	order   [credentialsKept]digest // a ring of where they are, as they were put in; some may be gone
	next    int
}

type digest [sha256.Size]byte

// verified is what one client showed for one name.
type verified struct {
	password digest
	id       string
	column   digest // of the password column it was right for
	until    time.Time
}

// NewCredentials returns the checker of s; what it remembers is its own.
func NewCredentials(s *Service) *Credentials {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails (crypto/rand)
	return &Credentials{service: s, key: key, entries: map[digest]verified{}}
}

// Verify returns whom the credentials speak for. The errors are [ErrInvalidCredentials], [ErrBusy] and *[ThrottledError]; any other is a
// fault. A user who has to show a factor has no credentials of this kind: there is nowhere to ask for it.
func (c *Credentials) Verify(ctx context.Context, login, password string, client netip.Addr) (Principal, error) {
	at, shown := c.sum("login", login+"\x00"+client.String()), c.sum("password", password)
	known, ok := c.recall(at, shown)
	if ok {
		user, err := c.service.directory.User(ctx, known.id)
		switch {
		case err != nil && !errors.Is(err, ErrNoUser):
			return Principal{}, fmt.Errorf("look up the user of credentials: %w", err)
		case err == nil && user.Active && hmac.Equal(known.column[:], c.column(user)):
			return principalOf(user, nil), nil
		}
		c.forget(at)
	}
	user, err := c.service.verify(ctx, Attempt{Login: login, Password: password, Client: client})
	if err != nil {
		return Principal{}, err
	}
	c.keep(at, verified{password: shown, id: user.ID, column: digest(c.column(user)), until: c.service.now().Add(credentialsAge)})
	return principalOf(user, nil), nil
}

// verify is a login without a session and without a second step.
func (s *Service) verify(ctx context.Context, a Attempt) (User, error) {
	claim, err := s.claim(ctx, a)
	if err != nil {
		return User{}, err
	}
	user, err := s.authenticate(ctx, claim, a.Password)
	if err != nil {
		return User{}, err
	}
	required, err := s.required(ctx, user)
	if err != nil {
		return User{}, s.withdraw(ctx, claim, err)
	}
	if len(required) > 0 { // counted as a failure, as it is answered like one
		s.event(ctx, slog.LevelWarn, eventLoginFailed, slog.String("reason", "factor_needed"), userAttr(claim.Login), clientAttr(claim.Client))
		return User{}, ErrInvalidCredentials
	}
	if err := s.throttle.Succeeded(ctx, claim); err != nil {
		return User{}, fmt.Errorf("reset failed logins: %w", err)
	}
	s.event(ctx, slog.LevelInfo, eventLoginOK, slog.String("via", "basic"), userAttr(user.Username), slog.String("user_id", user.ID), clientAttr(claim.Client))
	return user, nil
}

func (c *Credentials) sum(purpose, text string) (sum digest) {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(purpose + "\x00" + text))
	mac.Sum(sum[:0])
	return sum
}

func (c *Credentials) column(u User) []byte {
	sum := c.sum("column", u.Password)
	return sum[:]
}

// recall returns the entry if it is of this password; one of another is taken away.
func (c *Credentials) recall(at, password digest) (verified, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.entries[at]
	if !ok {
		return verified{}, false
	}
	if !hmac.Equal(v.password[:], password[:]) || !c.service.now().Before(v.until) {
		delete(c.entries, at)
		return verified{}, false
	}
	return v, true
}

func (c *Credentials) forget(at digest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, at)
}

func (c *Credentials) keep(at digest, v verified) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, c.order[c.next])
	c.order[c.next] = at
	c.next = (c.next + 1) % len(c.order)
	c.entries[at] = v
}
