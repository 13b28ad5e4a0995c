package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/codec"
)

// sampled is how many sessions are looked at.
const sampled = 50

// reading is what became of a session's text.
type reading int

const (
	readable     reading = iota
	byFallback           // signed with a fallback key
	beforeDjango         // signed with our key, in a format of Django before 3.1
	notJSON              // signed with our key, and the serializer is another
	unsigned             // with none of our keys, or another salt
	oldUnsigned          // the same in a format of Django before 3.1
)

// kept is one session of the sample.
type kept struct {
	reading  reading
	data     *pyvalue.Dict // nil: not readable
	signedAt time.Time
	expires  time.Time // zero: the place keeps none
}

// sample is read once for all looks.
type sample struct {
	sessions []kept
	place    string // in words
	err      error
}

// sampleOf reads the newest sessions of the engine's place.
func (p *Patient) sampleOf(ctx context.Context) *sample {
	if p.sample == nil {
		p.sample = p.draw(ctx)
	}
	return p.sample
}

func (p *Patient) draw(ctx context.Context) *sample {
	switch engine := p.Config.Session.Engine; {
	case p.inRows() && p.Database != nil:
		return p.drawRows(ctx)
	case engine == "file" && p.SessionDir != "":
		return p.drawFiles()
	case engine == "cache" && p.Cache != nil && p.Cache.CanList():
		return p.drawCache(ctx)
	}
	return &sample{}
}

// drawRows is for live rows; others would tell of keys that are long gone.
func (p *Patient) drawRows(ctx context.Context) *sample {
	s := &sample{place: "the table " + sessionTable}
	db := p.Database
	ctx, cancel := db.Timeout(ctx)
	defer cancel()
	rows, err := db.QueryContext(ctx, "SELECT session_data, "+db.TimeColumn("expire_date")+" FROM "+db.Quote(sessionTable)+
		" WHERE expire_date > "+db.Placeholder(1)+" ORDER BY expire_date DESC LIMIT 50", db.Time(p.Now().Add(-farthest)))
	if err != nil {
		s.err = err
		return s
	}
	defer rows.Close()
	for rows.Next() {
		var text []byte
		var expires time.Time
		if s.err = rows.Scan(&text, db.ScanTime(&expires)); s.err != nil {
			return s
		}
		s.sessions = append(s.sessions, p.read(text, expires))
	}
	s.err = rows.Err()
	return s
}

// drawFiles reads Django's files: the cookie's name and the key (contrib/sessions/backends/file.py).
func (p *Patient) drawFiles() *sample {
	s := &sample{place: p.SessionDir}
	for _, name := range sessionFiles(p.SessionDir, p.Config.Session.CookieName) {
		text, err := os.ReadFile(name)
		if err != nil {
			s.err = err
			return s
		}
		s.sessions = append(s.sessions, p.read(text, time.Time{}))
	}
	return s
}

// sessionFiles returns some of the session files in a folder.
func sessionFiles(dir, cookie string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if key, ok := strings.CutPrefix(e.Name(), cookie); ok && len(key) == 32 && e.Type().IsRegular() && len(names) < sampled {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names
}

// drawCache reads pickles, which nobody signs.
func (p *Patient) drawCache(ctx context.Context) *sample {
	s := &sample{place: "the cache"}
	s.err = p.Cache.Keys(ctx, p.cachePrefix(), func(rest string) bool {
		value, err := p.Cache.Get(ctx, p.cachePrefix()+rest)
		if errors.Is(err, cache.ErrAbsent) {
			return true
		}
		k := kept{reading: notJSON}
		if data, err := codec.Pickled(0).Decode(value); err == nil {
			k = kept{data: data}
		}
		s.sessions = append(s.sessions, k)
		return len(s.sessions) < sampled
	})
	return s
}

// read tells with which of our keys, and in which format, a text was written.
func (p *Patient) read(text []byte, expires time.Time) kept {
	if opened, err := codec.NewSigned(p.Keys, p.Now).Open(text); err == nil {
		k := kept{data: opened.Data, signedAt: opened.SignedAt, expires: expires}
		if opened.Fallback {
			k.reading = byFallback
		}
		return k
	}
	if opened, err := codec.NewSignedWith(codec.SignedOptions{Keys: p.Keys, Now: p.Now, Legacy: true}).Open(text); err == nil {
		return kept{reading: beforeDjango, data: opened.Data, expires: expires}
	}
	if _, _, _, err := signing.NewSigner(codec.StoreSalt, p.Keys).Unsign(string(text)); err == nil {
		return kept{reading: notJSON, expires: expires}
	}
	if raw, err := base64.StdEncoding.DecodeString(string(text)); err == nil && bytes.ContainsRune(raw, ':') {
		return kept{reading: oldUnsigned, expires: expires}
	}
	return kept{reading: unsigned, expires: expires}
}

// count returns how many of the sample were read like that.
func (s *sample) count(r reading) int {
	n := 0
	for _, k := range s.sessions {
		if k.reading == r {
			n++
		}
	}
	return n
}
