package password

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Registry is the formats that are accepted, and the one that new hashes are made in. Safe for concurrent use.
//
// Equal work (ASVS 6.3.8): Check does the work of one hash of the preferred format whatever is stored, and whether or not the password
// is right, so that the time tells neither that a user exists nor how the password is stored. What a cheaper hash leaves is made up:
// by counted rounds within the preferred format, by measured time for another one. Three things cannot be equal: a stored hash that
// costs more than the preferred one takes its own time; the first check of another format in a process, before the preferred one has
// been measured, takes both; and the measure is as exact as the machine is idle.
type Registry struct {
	preferred Hasher
	accepted  []Hasher // the preferred one first
	gate      *gate
	pace      *pace
	now       func() time.Time
}

// NewRegistry returns a Registry with the default [Limits]. The first of the hashers that recognizes a stored hash judges it.
func NewRegistry(preferred Hasher, accepted ...Hasher) *Registry {
	all := []Hasher{preferred}
	for _, h := range accepted {
		if !slices.ContainsFunc(all, func(known Hasher) bool { return known.Algorithm() == h.Algorithm() }) {
			all = append(all, h)
		}
	}
	return &Registry{preferred: preferred, accepted: all, gate: newGate(Limits{}), pace: new(pace), now: time.Now}
}

// WithLimits returns a Registry of the same formats with a queue of its own.
func (r *Registry) WithLimits(l Limits) *Registry {
	limited := *r
	limited.gate = newGate(l)
	return &limited
}

// Preferred names the format of new hashes.
func (r *Registry) Preferred() string { return r.preferred.Algorithm() }

// Load says how many checks run or wait for their turn, and beyond how many ErrBusy is the answer.
func (r *Registry) Load() (checks, limit int) { return r.gate.load() }

// Identify names the format that judges encoded, or returns ErrUnknownFormat (ErrUnusable). It does no work.
func (r *Registry) Identify(encoded string) (string, error) {
	h, err := r.identify(encoded)
	if err != nil {
		return "", err
	}
	return h.Algorithm(), nil
}

// Encode makes a new hash in the preferred format. It waits for its turn like a check; the errors are ErrBusy, ErrTooLong and those of
// the format.
func (r *Registry) Encode(password string) (string, error) {
	if len(password) > MaxLength {
		return "", ErrTooLong
	}
	leave, err := r.gate.enter(context.Background(), memoryOf(r.preferred, ""))
	if err != nil {
		return "", err
	}
	defer leave()
	return r.preferred.Encode(password)
}

// Check reports whether password matches encoded, and whether encoded is not what Encode would make now (Django's check_password and
// must_update). ErrUnknownFormat and ErrMalformed come with "no match" after the usual work; they are for the log and the operator.
// With ErrBusy, or ctx's error, nothing was checked. A password over MaxLength bytes never matches and is not hashed. Once begun, the
// work is finished even if ctx ends.
func (r *Registry) Check(ctx context.Context, password, encoded string) (ok, outdated bool, err error) {
	if len(password) > MaxLength {
		return false, false, nil
	}
	h, unknown := r.identify(encoded)
	leave, err := r.gate.enter(ctx, max(memoryOf(h, encoded), memoryOf(r.preferred, "")))
	if err != nil {
		return false, false, err
	}
	defer leave()
	if unknown != nil {
		r.work(password, 1)
		return false, false, unknown
	}
	return r.verify(h, password, encoded)
}

// Burn does the work of one check, for a user who does not exist (Django's ModelBackend.authenticate).
func (r *Registry) Burn(ctx context.Context, password string) error {
	if len(password) > MaxLength {
		return nil
	}
	leave, err := r.gate.enter(ctx, memoryOf(r.preferred, ""))
	if err != nil {
		return err
	}
	defer leave()
	r.work(password, 1)
	return nil
}

// identify is Django's identify_hasher.
func (r *Registry) identify(encoded string) (Hasher, error) {
	switch {
	case encoded == "" || strings.HasPrefix(encoded, "!"):
		return nil, ErrUnusable
	case len(encoded) > maxEncoded:
		return nil, ErrUnknownFormat
	}
	for _, h := range r.accepted {
		if h.Recognizes(encoded) {
			return h, nil
		}
	}
	return nil, ErrUnknownFormat
}

// verify asks h and makes up the difference to the preferred format's work. Django does so after a wrong password only; here a right
// one for a disabled user must not be faster either.
func (r *Registry) verify(h Hasher, password, encoded string) (ok, outdated bool, err error) {
	start := r.now()
	ok, err = h.Verify(password, encoded)
	spent := r.now().Sub(start)
	if err != nil {
		r.work(password, 1)
		return false, false, fmt.Errorf("check password: %w", err)
	}
	if h.Algorithm() != r.preferred.Algorithm() {
		r.work(password, r.pace.missing(spent))
		return ok, true, nil
	}
	if r.preferred.Outdated(encoded) {
		r.preferred.Harden(password, encoded)
		return ok, true, nil
	}
	r.pace.learn(1, spent)
	return ok, false, nil
}

// work does share of one preferred hash; all of it where the format cannot be divided.
func (r *Registry) work(password string, share float64) {
	if share < 0.005 {
		return
	}
	start := r.now()
	if p, ok := r.preferred.(partial); ok {
		p.Work(password, share)
	} else {
		share = 1
		_, _ = r.preferred.Encode(password)
	}
	r.pace.learn(share, r.now().Sub(start))
}

func memoryOf(h Hasher, encoded string) int64 {
	if m, ok := h.(memoryUser); ok {
		return m.Memory(encoded)
	}
	return 0
}
