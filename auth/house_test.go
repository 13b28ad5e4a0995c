package auth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

const vectors = "../testdata/vectors/"

// vectorSets are the folders of the versions of Django.
var vectorSets = []string{"", "django-3.2/", "django-6.1/"}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is what Django says of the database it made.
type fixture struct {
	SecretKey string `json:"secret_key"`
	Users     []struct {
		ID              int
		Username        string
		Password        *string
		Encoded         string
		Groups          []string
		SessionAuthHash string `json:"session_auth_hash"`
		LoginAllowed    bool   `json:"login_allowed_with_default_hashers"`
	}
	Sessions []struct {
		Key       string `json:"session_key"`
		Note      string
		Data      json.RawMessage
		Expires   time.Time `json:"expire_date"`
		User      string    `json:"django_says_user"`
		SetCookie *string   `json:"django_set_cookie"`
		Survives  bool      `json:"row_survives_request"`
	}
}

func readJSON(tb testing.TB, name string, into any) {
	tb.Helper()
	text, err := os.ReadFile(vectors + name)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		tb.Fatal(err)
	}
}

// house is a service over a copy of Django's database.
type house struct {
	fixture   fixture
	db        *sqlconn.DB
	directory *userdb.Directory
	options   auth.Options
	service   *auth.Service
	store     *storetest.Memory
	sessions  *sessionstore.Sessions
	log       *bytes.Buffer
	now       time.Time
}

// build opens the house; change may replace parts before the service is made.
func build(tb testing.TB, change func(*house)) *house {
	tb.Helper()
	h := &house{log: new(bytes.Buffer), now: noon}
	readJSON(tb, "fixture.json", &h.fixture)
	h.db = copyDB(tb)
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	var err error
	h.directory, err = userdb.Open(h.db, userdb.Options{Registry: cheapRegistry(), Log: log, Now: h.clock})
	if err != nil {
		tb.Fatal(err)
	}
	h.options = auth.Options{
		Directory: h.directory, Checker: h.directory, RecordLogin: h.directory.RecordLogin, Keys: signing.Keys{Secret: h.fixture.SecretKey},
		Sessions: sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, Log: log, Now: h.clock,
	}
	if change != nil {
		change(h)
	}
	h.store = storetest.NewMemory(h.clock)
	h.sessions = sessionstore.New(h.store, h.options.Sessions, h.clock)
	h.service = auth.NewService(h.options)
	return h
}

func (h *house) clock() time.Time { return h.now }

// cheapRegistry reads the fixture's cheap hashes fast and prefers what costs next to nothing.
func cheapRegistry() *password.Registry {
	return password.NewRegistry(password.NewPBKDF2SHA256(1000), password.NewPBKDF2SHA1(1000))
}

func copyDB(tb testing.TB) *sqlconn.DB {
	tb.Helper()
	content, err := os.ReadFile(vectors + "django.sqlite3")
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "django.sqlite3")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	db, err := sqlconn.Open("sqlite:"+path, sqlconn.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

// put stores a session of these values and returns its key.
func (h *house) put(tb testing.TB, data map[string]any) string {
	tb.Helper()
	session := h.open(tb, "")
	for _, name := range slices.Sorted(keysOf(data)) {
		if err := session.Set(name, data[name]); err != nil {
			tb.Fatal(err)
		}
	}
	session.Touch()
	if err := session.Save(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return session.Key()
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (h *house) open(tb testing.TB, key string) *sessionstore.Session {
	tb.Helper()
	session, err := h.sessions.Open(context.Background(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return session
}

// loggedIn is session data as Django's login leaves it for user number id of the fixture.
func (h *house) loggedIn(id int) map[string]any {
	for _, u := range h.fixture.Users {
		if u.ID == id {
			return map[string]any{"_auth_user_id": pyvalue.NewInt(int64(id)).String(), "_auth_user_backend": auth.DefaultBackend, "_auth_user_hash": u.SessionAuthHash}
		}
	}
	panic("no such fixture user")
}

func with(data map[string]any, name string, value any) map[string]any {
	data[name] = value
	return data
}

// alive reports whether the record under key is there.
func (h *house) alive(tb testing.TB, key string) bool {
	tb.Helper()
	return h.open(tb, key).Key() == key
}

// events returns the security events logged so far.
func (h *house) events() string {
	var names []string
	for line := range strings.Lines(h.log.String()) {
		var record struct{ Event, Reason string }
		if json.Unmarshal([]byte(line), &record) == nil && record.Event != "" {
			names = append(names, strings.TrimSuffix(record.Event+":"+record.Reason, ":"))
		}
	}
	return strings.Join(names, " ")
}

func attempt(login, pw string) auth.Attempt {
	return auth.Attempt{Login: login, Password: pw, Client: netip.MustParseAddr("192.0.2.7")}
}

// oldPassword is the fixture's user whose hash is cheap to check.
const oldUser, oldPassword = "old.iterations", "old-pw"
