package sessionapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/proxy/facts"
	"coatcheck/proxy/problem"
	"coatcheck/sessionstore"
)

const (
	// maxCalls is how many are served at a time; more are told to come again.
	maxCalls = 256
	// callTime bounds one call, the store's part included.
	callTime = 5 * time.Second
	// retryAfter is what applications are told when there are too many calls, or the store cannot be asked.
	retryAfter = time.Second
	// maxRequestID is how long an id may be that the application passes on.
	maxRequestID = 128
)

// Logout ends a session and says so in the security log.
type Logout func(ctx context.Context, session *sessionstore.Session) error

// Options are the parts of a [Handler]; all but Observe are required.
type Options struct {
	Tokens   *Tokens
	Sessions *sessionstore.Sessions
	Logout   Logout
	// Check flushes a session that has ended by other rules than its record's: a new password, idleness, age. Nil: there are none.
	Check func(ctx context.Context, session *sessionstore.Session) error
	Log   *slog.Logger
	Now   func() time.Time
	// Observe is told of every call when it has ended; nil: nobody is.
	Observe func(Observation)
}

// Observation is what became of one call.
type Observation struct {
	Method string
	Status int
	Took   time.Duration
}

// Handler serves the API. Safe for concurrent use.
type Handler struct {
	o     Options
	turns chan struct{}
}

// New returns the handler that o describes.
func New(o Options) *Handler { return &Handler{o: o, turns: make(chan struct{}, maxCalls)} }

// NewServer returns the server for a Handler, with limits of size and time: applications are near, and what they send is small.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: callTime, ReadTimeout: 2 * callTime, WriteTimeout: 3 * callTime, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// call is one request.
type call struct {
	*Handler
	w      http.ResponseWriter
	r      *http.Request
	claim  claim
	target target

	status int
	err    error
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := h.o.Now()
	ctx, cancel := context.WithTimeout(facts.With(r.Context(), facts.Facts{RequestID: requestID(r.Header["X-Request-Id"])}), callTime)
	defer cancel()
	r = r.WithContext(ctx)
	for _, name := range []string{"Accept", "Sec-Fetch-Mode"} { // errors are JSON, whoever asks
		r.Header.Del(name)
	}
	c := &call{Handler: h, w: w, r: r, status: http.StatusInternalServerError}
	defer func() { c.note(h.o.Now().Sub(began)) }()
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
		if err := c.serve(); err != nil {
			c.fail(err)
		}
	default:
		c.fail(refuse(http.StatusServiceUnavailable, "Too many calls at this moment."))
	}
}

// serve answers the call, unless it returns an error.
func (c *call) serve() error {
	if err := c.admit(); err != nil {
		return err
	}
	var known bool
	if c.target, known = targetOf(c.r.URL.EscapedPath()); !known {
		return refuse(http.StatusNotFound, "There is no such address: use /session, /session/NAME or /expiry.")
	}
	act, allowed := c.target.methods()[c.r.Method]
	if !allowed {
		c.w.Header().Set("Allow", c.target.allow())
		return refuse(http.StatusMethodNotAllowed, "This address takes "+c.target.allow()+".")
	}
	return act(c)
}

// admit reads the token.
func (c *call) admit() error {
	lines := c.r.Header["Authorization"]
	if len(lines) != 1 {
		return unauthorized("", "Show the token that came with the request as X-Session-Token: Authorization: Bearer TOKEN.")
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return unauthorized("", "Show the token that came with the request as X-Session-Token: Authorization: Bearer TOKEN.")
	}
	claim, err := c.o.Tokens.read(strings.Trim(token, " "))
	switch {
	case errors.Is(err, errExpired):
		return unauthorized("invalid_token", "This token has expired. Use the one that came with the request at hand; it is good for five minutes.")
	case err != nil:
		c.o.Log.LogAttrs(c.r.Context(), slog.LevelWarn, "session token refused", slog.String("event", "session_token_refused"),
			slog.String("request_id", facts.From(c.r.Context()).RequestID), slog.String("err", err.Error()))
		return unauthorized("invalid_token", "This is no token of this proxy.")
	}
	c.claim = claim
	return nil
}

// refusal is an answer that says no.
type refusal struct {
	problem.Problem
	bearer string // error code of WWW-Authenticate (RFC 6750 3.1)
}

func (r *refusal) Error() string { return r.Detail }

func refuse(status int, detail string) error {
	return &refusal{Problem: problem.Problem{Status: status, Detail: detail}}
}

func unauthorized(code, detail string) error {
	return &refusal{problem.Problem{Status: http.StatusUnauthorized, Detail: detail}, code}
}

var errEnded = errors.New("the session has ended")

// fail answers with err.
func (c *call) fail(err error) {
	c.err = err
	var no *refusal
	switch {
	case errors.As(err, &no):
	case errors.Is(err, errEnded), errors.Is(err, sessionstore.ErrGone), errors.Is(err, sessionstore.ErrNotFound):
		errors.As(unauthorized("invalid_token", "The session of this token has ended, or has a new key since a login. The visitor's next request brings a token for the session as it is then."), &no)
	case errors.Is(err, pyvalue.ErrLimit):
		errors.As(refuse(http.StatusInsufficientStorage, "The session cannot hold that much."), &no)
	default:
		no = &refusal{Problem: problem.Problem{Status: http.StatusServiceUnavailable, Detail: "problem.api-fault"}}
		c.o.Log.LogAttrs(c.r.Context(), slog.LevelError, "session store cannot be asked", slog.String("event", "store_error"),
			slog.String("request_id", facts.From(c.r.Context()).RequestID), slog.String("err", err.Error()))
	}
	switch no.Status {
	case http.StatusUnauthorized:
		challenge := `Bearer realm="session"`
		if no.bearer != "" {
			challenge += `, error="` + no.bearer + `"`
		}
		c.w.Header().Set("Www-Authenticate", challenge)
	case http.StatusServiceUnavailable:
		no.RetryAfter = retryAfter
	}
	c.status = no.Status
	problem.Write(c.w, c.r, no.Problem)
}

// note writes the access record: no token, no name, no value.
func (c *call) note(took time.Duration) {
	if c.o.Observe != nil {
		c.o.Observe(Observation{c.r.Method, c.status, took})
	}
	attrs := []slog.Attr{
		slog.String("request_id", facts.From(c.r.Context()).RequestID), slog.String("method", knownMethod(c.r.Method)), slog.String("path", c.target.String()),
		slog.Int("status", c.status), slog.Float64("dur_ms", float64(took.Microseconds())/1000),
	}
	if c.claim.key != "" {
		attrs = append(attrs, slog.String("session", sessionstore.KeyHash(c.claim.key)))
	}
	if c.err != nil {
		attrs = append(attrs, slog.String("err", c.err.Error()))
	}
	c.o.Log.LogAttrs(c.r.Context(), slog.LevelInfo, "session api", attrs...)
}

func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodPost, http.MethodPatch, http.MethodOptions:
		return method
	}
	return "other"
}

// requestID is the id of the request that the application passes on, if it is plain, or a fresh one.
func requestID(lines []string) string {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	if len(lines) == 1 && lines[0] != "" && len(lines[0]) <= maxRequestID && strings.IndexFunc(lines[0], func(r rune) bool { return !plain(r) }) < 0 {
		return lines[0]
	}
	return rand.Text()
}
