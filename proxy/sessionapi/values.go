package sessionapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

const (
	// maxNames is how many values an application may keep in a session.
	maxNames = 256
	// maxTotal bounds all of them together, in bytes of JSON; memcached takes four times as much.
	maxTotal = 256 << 10
)

// open returns the session of the token as it is in the store: an empty one without key, if the application may still begin it.
func (c *call) open() (*sessionstore.Session, error) {
	s, err := c.o.Sessions.Open(c.r.Context(), c.claim.key)
	if err == nil {
		err = s.Reload(c.r.Context()) // who writes next has to know what others wrote
	}
	if err == nil && s.Key() != "" && c.o.Check != nil {
		err = c.o.Check(c.r.Context(), s)
	}
	if err == nil && s.Key() == "" && (!c.claim.fresh || s.Refused() != nil) {
		err = errEnded
	}
	return s, err
}

// change alters the session of the token, and makes it if it is still to be begun.
func (c *call) change(alter func(*sessionstore.Session) error) error {
	ctx, sessions, key := c.r.Context(), c.o.Sessions, c.claim.key
	_, err := c.open()
	if err != nil {
		return err
	}
	_, err = sessions.Change(ctx, key, alter)
	if c.claim.fresh && errors.Is(err, sessionstore.ErrGone) {
		if err := c.inTime(); err != nil {
			return err
		}
		_, err = sessions.Begin(ctx, key, alter)
		if errors.Is(err, sessionstore.ErrExists) { // a call beside this one was faster
			_, err = sessions.Change(ctx, key, alter)
		}
	}
	if err == nil {
		c.o.Tokens.visits.note(key)
	}
	return err
}

// inTime: once its answer has begun, no cookie can give the session to the visitor any more. Of visits at another process nothing is known.
func (c *call) inTime() error {
	if c.claim.local && !c.o.Tokens.visits.here(c.claim.key) {
		return refuse(http.StatusConflict, "It is too late to begin a session for this visitor: the answer is on its way. Write before the answer begins.")
	}
	return nil
}

// getSession shows all values, and when the session ends.
func (c *call) getSession() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	data, unreadable := show(s)
	tag := tagOf(data)
	if c.unchanged(tag) {
		return c.write(http.StatusNotModified, tag, nil)
	}
	body := append(append([]byte(`{"data":`), data...), `,"expiry":`...)
	body = append(body, expiryOf(s)...)
	if len(unreadable) > 0 {
		body = append(append(body, `,"unreadable":`...), unreadable...)
	}
	return c.write(http.StatusOK, tag, append(body, '}'))
}

// show writes the values that applications may see, and a list of the names whose values JSON cannot hold, as JSON.
func show(s *sessionstore.Session) (data, unreadable []byte) {
	shown, others := pyvalue.NewDict(), &pyvalue.List{}
	for name, value := range s.All() {
		if strings.HasPrefix(name, "_") {
			continue
		}
		if _, err := jsonOf(value); err != nil {
			others.Items = append(others.Items, pyvalue.Str(name))
			continue
		}
		shown.Set(name, value)
	}
	data, err := jsonOf(shown)
	if err != nil {
		data = []byte("{}") // cannot happen: every part could be written
	}
	if len(others.Items) > 0 {
		unreadable, _ = jsonOf(others)
	}
	return data, unreadable
}

// flush ends the session, as Django's flush does: the data is gone, and whoever was logged in is not any more.
func (c *call) flush() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	data, _ := show(s)
	if err := c.checkTags(tagOf(data)); err != nil {
		return err
	}
	if s.Key() != "" {
		if err := c.o.Logout(c.r.Context(), s); err != nil {
			return err
		}
		c.o.Tokens.visits.note(c.claim.key)
	}
	return c.write(http.StatusNoContent, "", nil)
}

var errNoValue = refuse(http.StatusNotFound, "The session has no value of this name.")

func (c *call) getValue() error {
	s, err := c.open()
	if err != nil {
		return err
	}
	text, there, err := c.value(s)
	switch {
	case err != nil:
		return refuse(http.StatusNotAcceptable, "The value is of a kind that JSON does not have, such as bytes or a date.")
	case !there:
		return errNoValue
	case c.unchanged(tagOf(text)):
		return c.write(http.StatusNotModified, tagOf(text), nil)
	}
	return c.write(http.StatusOK, tagOf(text), text)
}

// value is the value under the name of the call.
func (c *call) value(s *sessionstore.Session) (text []byte, there bool, err error) {
	v, there := s.Get(c.target.name)
	if !there || c.target.hidden() {
		return nil, false, nil
	}
	text, err = jsonOf(v)
	return text, true, err
}

// checkValue holds the conditions of a write against the value as it is.
func (c *call) checkValue(s *sessionstore.Session) (there bool, err error) {
	text, there, err := c.value(s)
	current := ""
	switch {
	case err != nil:
		current = `"unreadable"` // to nobody's knowledge
	case there:
		current = tagOf(text)
	}
	return there, c.checkTags(current)
}

var errHidden = refuse(http.StatusForbidden, `Names that begin with "_" belong to Django and to the proxy. Choose another.`)

func (c *call) putValue() error {
	if c.target.hidden() {
		return errHidden
	}
	value, err := c.readValue()
	if err != nil {
		return err
	}
	text, err := jsonOf(value)
	if err != nil {
		return err
	}
	status := http.StatusNoContent
	err = c.change(func(s *sessionstore.Session) error {
		there, err := c.checkValue(s)
		if err != nil {
			return err
		}
		status = http.StatusNoContent
		if !there {
			status = http.StatusCreated
		}
		if err := s.Set(c.target.name, value); err != nil {
			return err
		}
		return room(s)
	})
	if err != nil {
		return err
	}
	return c.write(status, tagOf(text), nil)
}

// room refuses what is too much for a session.
func room(s *sessionstore.Session) error {
	names, total := 0, 0
	for name, value := range s.All() {
		if strings.HasPrefix(name, "_") {
			continue
		}
		text, _ := jsonOf(value)
		names++
		total += len(name) + len(text)
	}
	if names > maxNames || total > maxTotal {
		return refuse(http.StatusInsufficientStorage, "The session is full: it holds at most 256 values and 256 KiB of JSON. Keep large things elsewhere and their names here.")
	}
	return nil
}

func (c *call) deleteValue() error {
	if c.target.hidden() {
		return errHidden
	}
	err := c.change(func(s *sessionstore.Session) error {
		there, err := c.checkValue(s)
		if err != nil {
			return err
		}
		if !there {
			return errNoValue
		}
		s.Delete(c.target.name)
		return nil
	})
	if err != nil {
		return err
	}
	return c.write(http.StatusNoContent, "", nil)
}

// write answers with a JSON text, or without one.
func (c *call) write(status int, tag string, body []byte) error {
	h := c.w.Header()
	h.Set("Cache-Control", "no-store")
	if tag != "" {
		h.Set("Etag", tag)
	}
	c.status = status
	if body == nil {
		c.w.WriteHeader(status)
		return nil
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(append(body, '\n')) // an application that left needs no answer
	}
	return nil
}
