package feed

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"coatcheck/internal/near"
	"coatcheck/internal/sqlconn"
)

// channel is what the triggers tell on; a database has its own.
const channel = "coatcheck"

// every is the payload's name for "I do not know which".
const every = "*"

// Topic is something that triggers tell of.
type Topic struct {
	word string // before the colon of a payload
	// triggers are what must be there before the topic is believed, as table.trigger.
	triggers []string
}

// Topics. What they call names is said there.
var (
	sessionTopic = Topic{"s", triggersOf(sessionTable)}
	logoutTopic  = Topic{"l", triggersOf(ledgerTable)}
	userTopic    = Topic{"u", triggersOf(userTable, memberTable, groupTable)}
)

// SessionTopic is django_session, where a name is [SessionName] of the key; LogoutTopic coatcheck_session, by its session_hash; UserTopic
// Django's users, by their id, and their groups.
func SessionTopic() Topic { return sessionTopic }

// LogoutTopic: see [SessionTopic].
func LogoutTopic() Topic { return logoutTopic }

// UserTopic: see [SessionTopic].
func UserTopic() Topic { return userTopic }

// Postgres hears what the triggers of a PostgreSQL database tell (LISTEN/NOTIFY).
type Postgres struct {
	db     *sqlconn.DB
	log    *slog.Logger
	topics []*Heard
	said   string // why it was not heard; once
}

// Heard is the [coatcheck/internal/near.Feed] of one topic.
type Heard struct {
	*near.Pulse
	topic     Topic
	followers Followers
	there     bool // its triggers
}

// NewPostgres returns a feed that hears nothing before [Postgres.Run].
func NewPostgres(db *sqlconn.DB, log *slog.Logger) *Postgres { return &Postgres{db: db, log: log} }

// Topic returns the feed of a topic. It is not for use beside Run.
func (p *Postgres) Topic(t Topic) *Heard {
	h := &Heard{topic: t}
	h.Pulse = near.NewPulse(func() { h.followers.ForgetAll() })
	p.topics = append(p.topics, h)
	return h
}

// Follow adds one who is told. It is not for use beside [Postgres.Run].
func (h *Heard) Follow(f Follower) { h.followers = append(h.followers, f) }

// State implements the states of operators.
func (h *Heard) State(of string) State { return State{Of: of, Heard: h.Heard(), Age: h.Age()} }

// Run listens until ctx ends.
func (p *Postgres) Run(ctx context.Context) {
	near.Keep(ctx, p.listen, p.lost)
	p.silence()
}

func (p *Postgres) listen(ctx context.Context) error {
	return p.db.Listen(ctx, sqlconn.Hearing{Channel: channel, Beat: near.BeatTime, Ask: presentTriggers, Alive: p.alive, Told: p.told})
}

func (p *Postgres) lost(err error) {
	p.silence()
	if errors.Is(err, sqlconn.ErrPooler) {
		for _, t := range p.topics {
			t.CannotHear()
		}
	}
	p.say(slog.LevelWarn, "changes in the database are not heard; sessions and users are read with every request until they are", err)
}

func (p *Postgres) silence() {
	for _, t := range p.topics {
		t.Lost()
	}
}

// alive believes the topics whose triggers are all there.
func (p *Postgres) alive(asked time.Time, triggers []string) {
	missing := ""
	for _, t := range p.topics {
		t.there = !slices.ContainsFunc(t.topic.triggers, func(name string) bool { return !slices.Contains(triggers, name) })
		if !t.there {
			missing = t.topic.triggers[0]
			t.CannotHear()
			continue
		}
		t.Found()
		t.Beat(asked)
	}
	if missing != "" {
		p.say(slog.LevelInfo, "a table has no triggers that tell of changes, so it is asked again and again; database.triggers: on makes them", errNoTriggers(missing))
		return
	}
	p.said = ""
}

type errNoTriggers string

func (e errNoTriggers) Error() string { return "there is no trigger " + string(e) }

func (p *Postgres) say(level slog.Level, what string, err error) {
	if p.said == what || err == nil {
		return
	}
	p.said = what
	p.log.Log(context.Background(), level, what, "event", "feed_lost", "err", err)
}

func (p *Postgres) told(payload string) {
	word, name, _ := strings.Cut(payload, ":")
	for _, t := range p.topics {
		if t.topic.word != word {
			continue
		}
		for _, f := range t.followers {
			if name == every {
				f.ForgetAll()
			} else {
				f.Told(name)
			}
		}
	}
}
