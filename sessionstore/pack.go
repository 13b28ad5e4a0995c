package sessionstore

import (
	"encoding/hex"
	"errors"
	"slices"

	"coatcheck/internal/pyvalue"
)

// A packed record is its entries one after the other, name and value. What nearly every session of Django's holds is one byte; other texts
// are a byte for their kind, a length and themselves; a session hash is half as long; all else is a pickle of its own. It never leaves the
// process, and says nothing of other processes' formats.

// known are the texts that are one byte: what Django and we write into most sessions.
var known = [...]string{
	"_auth_user_id", "_auth_user_backend", "_auth_user_hash", expiryName, "django.contrib.auth.backends.ModelBackend",
	"_csrftoken", "_language", "_messages", "_password_reset_token", "django_timezone", "cart", "next",
}

// Kinds of packed texts and values; smaller ones are places in known.
const (
	packText = 0x80 + iota
	packHash // 64 hexadecimal digits
	packRest // everything from here on is one pickled dict
)

const maxShort = 127 // longer texts take the way of all else

var errPacked = errors.New("packed record is damaged")

// pack writes entries as long as they are plain; from the first on that is not, the rest is a pickle, so that containers that are shared stay
// shared.
func pack(d *pyvalue.Dict) (string, error) {
	entries := d.Entries()
	plain := slices.IndexFunc(entries, func(e pyvalue.Entry) bool { return !short(e.Key) || !short(e.Value) })
	if plain < 0 {
		plain = len(entries)
	}
	buf := make([]byte, 0, 128)
	for _, e := range entries[:plain] {
		buf = appendText(appendText(buf, e.Key), e.Value)
	}
	if plain == len(entries) {
		return string(buf), nil
	}
	rest := pyvalue.NewDict()
	for _, e := range entries[plain:] {
		name, ok := e.Key.(pyvalue.Str)
		if !ok { // as a pickle may hold them
			return packWhole(d)
		}
		rest.Set(string(name), e.Value)
	}
	buf, err := pyvalue.AppendPickle(append(buf, packRest), rest, pickleProtocol)
	return string(buf), err
}

// pickleProtocol is any that holds all values.
const pickleProtocol = 5

func packWhole(d *pyvalue.Dict) (string, error) {
	buf, err := pyvalue.AppendPickle([]byte{packRest}, d, pickleProtocol)
	return string(buf), err
}

func short(v pyvalue.Value) bool {
	text, ok := v.(pyvalue.Str)
	return ok && len(text) <= maxShort
}

func appendText(buf []byte, v pyvalue.Value) []byte {
	text := string(v.(pyvalue.Str)) // short has looked
	if i := slices.Index(known[:], text); i >= 0 {
		return append(buf, byte(i))
	}
	if raw, err := hex.DecodeString(text); err == nil && len(raw) == 32 && hex.EncodeToString(raw) == text {
		return append(append(buf, packHash), raw...)
	}
	return append(append(buf, packText, byte(len(text))), text...)
}

func unpack(packed string) (*pyvalue.Dict, error) {
	d := pyvalue.NewDict()
	for rest := packed; rest != ""; {
		if rest[0] == packRest {
			return withRest(d, rest[1:])
		}
		var name, value string
		var err error
		if name, rest, err = cutText(rest); err != nil {
			return nil, err
		}
		if value, rest, err = cutText(rest); err != nil {
			return nil, err
		}
		d.Set(name, pyvalue.Str(value))
	}
	return d, nil
}

func withRest(d *pyvalue.Dict, pickle string) (*pyvalue.Dict, error) {
	rest, err := pyvalue.ReadPickle([]byte(pickle))
	if err != nil || d.Len() == 0 {
		return rest, err
	}
	for _, e := range rest.Entries() {
		name, ok := e.Key.(pyvalue.Str)
		if !ok {
			return nil, errPacked
		}
		d.Set(string(name), e.Value)
	}
	return d, nil
}

func cutText(packed string) (text, rest string, err error) {
	const hashSize = 32
	switch {
	case packed == "":
	case packed[0] < byte(len(known)):
		return known[packed[0]], packed[1:], nil
	case packed[0] == packHash && len(packed) > hashSize:
		return hex.EncodeToString([]byte(packed[1 : 1+hashSize])), packed[1+hashSize:], nil
	case packed[0] == packText && len(packed) > 1 && len(packed) >= 2+int(packed[1]):
		end := 2 + int(packed[1])
		return packed[2:end], packed[end:], nil
	}
	return "", "", errPacked
}
