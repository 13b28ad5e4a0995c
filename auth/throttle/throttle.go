package throttle

import (
	"context"
	"fmt"
	"time"

	"coatcheck/auth"
	"coatcheck/internal/sqlconn"
)

const (
	// attemptsToCount bounds the lost races of one attempt; each of them means that another attempt was counted meanwhile.
	attemptsToCount = 50
	// atOnce bounds the writes of one process, which would only wait for one another in the database.
	atOnce = 4
	// patience bounds one Begin, its wait for a turn included: behind a database that another process has locked the queue would
	// otherwise take the database's timeout again for every four (F17: no request waits longer than 3 s).
	patience = 2 * time.Second
)

// Throttle is a [Policy] over counts in a table of our own, shared by all processes that use the database. Safe for concurrent use.
type Throttle struct {
	policy Policy
	table  table
	secret string
	now    func() time.Time
	turn   chan struct{}
}

var _ auth.Throttle = (*Throttle)(nil)

// Options describe a [Throttle].
type Options struct {
	MaxAttempts int    // free failures per account and address; 0 switches the throttle off
	Secret      string // keys the hashes of names and addresses; the same for the whole fleet
	Now         func() time.Time
}

// New returns a Throttle. The table must be there: see [Throttle.CreateTable].
func New(db *sqlconn.DB, o Options) *Throttle {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Throttle{
		policy: Policy{MaxAttempts: o.MaxAttempts}, table: newTable(db), secret: o.Secret, now: o.Now, turn: make(chan struct{}, atOnce),
	}
}

func (t *Throttle) off() bool { return t.policy.MaxAttempts <= 0 }

// Begin implements [auth.Throttle]. The attempt goes on only if pair and account are still as they were when the policy looked at them,
// and counts from then on.
func (t *Throttle) Begin(ctx context.Context, c auth.Claim) error {
	if t.off() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait to count an attempt: %w", ctx.Err())
	}
	for range attemptsToCount {
		counted, err := t.begin(ctx, c)
		if counted || err != nil {
			return err
		}
	}
	return &auth.ThrottledError{RetryAfter: time.Second}
}

func (t *Throttle) begin(ctx context.Context, c auth.Claim) (counted bool, err error) {
	now := t.now().UTC().Truncate(time.Millisecond) // what the table keeps
	k := t.keysOf(c, now)
	rows, err := t.table.read(ctx, k.pair, k.account, k.address, k.addressBefore, k.overall, k.overallBefore)
	if err != nil {
		return false, fmt.Errorf("read failed logins: %w", err)
	}
	if wait := t.policy.Wait(state(rows, k, now), now); wait > 0 {
		return false, &auth.ThrottledError{RetryAfter: wait}
	}
	counted, err = t.table.count(ctx, failures(rows, k, now), []string{k.address, k.overall}, now)
	if err != nil {
		return false, fmt.Errorf("count failed login: %w", err)
	}
	return counted, nil
}

// state is what the rows say to the policy.
func state(rows map[string]row, k keys, now time.Time) State {
	return State{
		Pair: rows[k.pair].count(), Known: rows[k.pair].knownUntil.After(now), Account: rows[k.account].count(),
		Address: Rate{rows[k.address].failures, rows[k.addressBefore].failures},
		Overall: Rate{rows[k.overall].failures, rows[k.overallBefore].failures},
	}
}

// failures are the two changes that must hit the rows as they were read.
func failures(rows map[string]row, k keys, now time.Time) []change {
	pair, account := rows[k.pair], rows[k.account]
	pair.id, account.id = k.pair, k.account
	nextPair, nextAccount := pair, account
	if now.Sub(pair.last) > pairMemory {
		nextPair.failures = 0
	}
	nextPair.failures++
	nextAccount.failures++
	nextPair.last, nextAccount.last = now, now
	return []change{{pair, nextPair}, {account, nextAccount}}
}

// Succeeded implements [auth.Throttle]: the account starts anew, and this address and this browser are known to it.
func (t *Throttle) Succeeded(ctx context.Context, c auth.Claim) error {
	if t.off() {
		return nil
	}
	now := t.now().UTC().Truncate(time.Millisecond)
	k := t.keysOf(c, now)
	known := []row{{id: k.place, last: now, knownUntil: now.Add(knownFor)}}
	if k.pair != k.place {
		known = append(known, row{id: k.pair, last: now, knownUntil: now.Add(knownFor)})
	}
	if err := t.table.succeed(ctx, known, k.account, []string{k.address, k.overall}); err != nil {
		return fmt.Errorf("reset failed logins: %w", err)
	}
	return nil
}

// Withdraw implements [auth.Throttle].
func (t *Throttle) Withdraw(ctx context.Context, c auth.Claim) error {
	if t.off() {
		return nil
	}
	k := t.keysOf(c, t.now())
	if err := t.table.uncount(ctx, k.pair, k.account, k.address, k.overall); err != nil {
		return fmt.Errorf("withdraw failed login: %w", err)
	}
	return nil
}

// Reset forgets all failures of an account; for the operator.
func (t *Throttle) Reset(ctx context.Context, login string) error {
	account := t.hash("account", fold(login))
	if err := t.table.reset(ctx, accountKey(account), pairPrefix(account)); err != nil {
		return fmt.Errorf("reset failed logins: %w", err)
	}
	return nil
}

// CreateTable makes the table coatcheck_throttle if it is missing.
func (t *Throttle) CreateTable(ctx context.Context) error {
	if err := t.table.create(ctx); err != nil {
		return fmt.Errorf("create table %s: %w", tableName, err)
	}
	return nil
}

// Clear removes what is no longer counted and says how many rows that were. It is to be called now and then, by one owner.
func (t *Throttle) Clear(ctx context.Context) (int64, error) {
	n, err := t.table.clear(ctx, t.now())
	if err != nil {
		return n, fmt.Errorf("clear failed logins: %w", err)
	}
	return n, nil
}

// Account says how many logins of an account failed in a row, and how long an attempt from a new place would have to wait for
// that; for the operator. Nothing is counted.
func (t *Throttle) Account(ctx context.Context, login string) (failures int, wait time.Duration, err error) {
	id := accountKey(t.hash("account", fold(login)))
	rows, err := t.table.read(ctx, id)
	if err != nil {
		return 0, 0, fmt.Errorf("read failed logins: %w", err)
	}
	account := rows[id].count()
	return account.Failures, t.policy.Wait(State{Account: account}, t.now()), nil
}
