package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
)

// legacy reads the layout of Django before 3.1 (3.2: contrib/sessions/backends/base.py _legacy_decode): base64 of the
// hex HMAC-SHA1 over the JSON, a colon, the JSON. It has no timestamp.
type legacy struct {
	salt string
	keys []string
}

// newLegacy derives the old salt, which lacks the dot before the class name.
func newLegacy(salt string, keys signing.Keys) *legacy {
	const prefix = "django.contrib.sessions"
	return &legacy{
		salt: prefix + strings.TrimPrefix(salt, prefix+"."),
		keys: append([]string{keys.Secret}, keys.Fallbacks...),
	}
}

func (l *legacy) open(text []byte) (Opened, error) {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return Opened{}, signing.ErrBadSignature
	}
	mac, data, found := bytes.Cut(raw, []byte(":"))
	if !found {
		return Opened{}, signing.ErrBadSignature
	}
	for i, key := range l.keys {
		if signing.ConstantTimeEqual(string(mac), hex.EncodeToString(signing.SaltedHMACSHA1(l.salt, key, string(data)))) {
			d, err := pyvalue.ParseJSON(data)
			return Opened{Data: d, Fallback: i > 0}, err
		}
	}
	return Opened{}, signing.ErrBadSignature
}
