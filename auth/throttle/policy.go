// Package throttle slows down the guessing of passwords without giving strangers a way to lock people out.
//
// What is counted, and what follows (ASVS 2.4.1, 6.1.1, 6.3.1; m is login.max_attempts, default 5):
//
//   - Failures of one account from one address, or one known browser: m are free, then each waits twice as long as the one before, from 5 s up to
//     15 min. They are forgotten after a day without failure.
//   - Failures of one account from everywhere: 4m are free, then attempts from addresses where the account never logged in wait, from 1 s
//     up to 15 min between two of them. After 90 in a row only addresses where the account logged in during the last 90 days may try; after 100 in a row
//     nobody (NIST SP 800-63B-4 3.2.2), until the operator sets a password or resets the count. Only a success resets
//     this count; of accounts with less than 10 failures it is forgotten after 30 days.
//   - Failures from one address, whatever the accounts: 20m in ten minutes. IPv6 addresses count by /64.
//   - Failures overall: from 200m in ten minutes on, strangers have one free attempt instead of m, and m in ten minutes instead
//     of 20m for each address. This never refuses anybody by itself: somebody who comes with the right password gets in.
//
// An address is known to an account for 90 days after it logged in there, and so is a browser: each login leaves a signed cookie in it that
// holds a random number, good for that account alone (auth.Browser). An attempt from such a browser counts against the browser instead of its
// address. Who is known is bound only by their own failures and by the 100: so a stranger can neither lock out nor slow down an
// owner who comes from their usual place, or with their usual browser from a new one, also not from the next desk. The cookie opens nothing, is
// no way around the 100, and a browser on "a shared computer" gets none. A stranger with several addresses and a day's patience can
// keep an owner out who comes from a new place with a new browser; that is the price of the 100.
//
// An attempt counts as failed before the password is looked at, in one conditional write per account: however many attempts run at however
// many processes, no more than the limit reach the hasher. A name that nobody has counts like any other.
package throttle

import (
	"math"
	"time"
)

const (
	accountLimit  = 100 // NIST SP 800-63B-4 3.2.2
	strangerLimit = 90  // leaves the last ten to known addresses

	pairDelay     = 5 * time.Second
	strangerDelay = time.Second
	maxDelay      = 15 * time.Minute
	closedDelay   = time.Hour // what a client is told when waiting alone will not help

	pairMemory    = 24 * time.Hour
	knownFor      = 90 * 24 * time.Hour
	accountMemory = 30 * 24 * time.Hour // of accounts under rememberFrom failures; the others are kept
	rememberFrom  = 10

	window = 10 * time.Minute // of the counts per address and overall
)

// Policy says who waits. It is pure: the same counts at the same time give the same answer.
type Policy struct {
	MaxAttempts int // 0: nobody waits
}

// Count is a number of consecutive failures and the time of the last one.
type Count struct {
	Failures int
	Last     time.Time
}

// Rate is a number of failures in the running and in the last window.
type Rate struct{ Current, Previous int }

// State is what is known about an attempt before it is made.
type State struct {
	Pair    Count // of the account from this browser, where it is a known one, otherwise from this address
	Known   bool  // the account logged in from there lately
	Account Count // of the account from everywhere
	Address Rate
	Overall Rate
}

// Wait returns how long the attempt has to wait, in whole seconds; 0 lets it go on.
func (p Policy) Wait(s State, now time.Time) time.Duration {
	if p.MaxAttempts <= 0 {
		return 0
	}
	if s.Account.Failures >= accountLimit {
		return closedDelay
	}
	pair := s.Pair
	if now.Sub(pair.Last) > pairMemory {
		pair.Failures = 0
	}
	free, addressLimit := p.MaxAttempts, 20*p.MaxAttempts
	if s.Known {
		return seconds(pair.wait(free, pairDelay, now))
	}
	if s.Account.Failures >= strangerLimit {
		return closedDelay
	}
	if s.Overall.estimate(now) >= float64(200*p.MaxAttempts) {
		free, addressLimit = 1, p.MaxAttempts
	}
	return seconds(max(
		pair.wait(free, pairDelay, now),
		s.Account.wait(min(4*p.MaxAttempts, strangerLimit/2), strangerDelay, now),
		s.Address.wait(addressLimit, now),
	))
}

// wait is what is left of the delay after the last failure: first after the free ones, then twice as long each time.
func (c Count) wait(free int, first time.Duration, now time.Time) time.Duration {
	if c.Failures < free {
		return 0
	}
	delay := maxDelay
	if doublings := c.Failures - free; doublings < 20 {
		delay = min(first<<doublings, maxDelay)
	}
	return min(c.Last.Add(delay).Sub(now), delay) // a clock that was set back must not make it longer
}

// estimate is the number of failures in the last ten minutes, as if those of the last window had come evenly.
func (r Rate) estimate(now time.Time) float64 {
	return float64(r.Current) + float64(r.Previous)*(1-elapsed(now))
}

// wait is how long it takes until the estimate is under limit, if nothing else fails.
func (r Rate) wait(limit int, now time.Time) time.Duration {
	if r.estimate(now) < float64(limit) {
		return 0
	}
	windows := 1 - elapsed(now) + 1 - float64(limit)/float64(r.Current) // until this window is the last one and has faded
	if r.Current < limit {
		windows = 1 - float64(limit-r.Current)/float64(r.Previous) - elapsed(now)
	}
	return max(time.Duration(windows*float64(window)), 0) + time.Millisecond // under the limit, not at it
}

// elapsed is how much of the running window has passed, 0 to 1.
func elapsed(now time.Time) float64 {
	return float64(now.UnixMilli()%window.Milliseconds()) / float64(window.Milliseconds())
}

func seconds(d time.Duration) time.Duration {
	return time.Duration(math.Ceil(max(d, 0).Seconds())) * time.Second
}
