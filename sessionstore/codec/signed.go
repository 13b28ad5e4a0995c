package codec

import (
	"fmt"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
)

// The salts of Django's engines. The first is made from the name of the store's class (contrib/sessions/backends/base.py
// key_salt): a project with a class of its own has its own salt.
const (
	StoreSalt  = "django.contrib.sessions.SessionStore"
	CookieSalt = "django.contrib.sessions.backends.signed_cookies"
)

// maxText bounds signed text before anything is computed over it: base64 of the longest JSON, timestamp and signature.
const maxText = pyvalue.MaxSize/3*4 + 256

// SignedOptions describe a [Signed] codec. The zero values stand for Django's database engine of today.
type SignedOptions struct {
	Keys signing.Keys
	Now  func() time.Time
	Salt string // default StoreSalt
	// Legacy also reads what Django 3.2 still read: SHA-1 signatures, and the layout of releases before 3.1.
	Legacy bool
}

// Signed is the format of signing.dumps(data, salt=…, compress=True): base64 of JSON or of zlib'ed JSON, timestamp,
// signature. Safe for concurrent use.
type Signed struct {
	signer *signing.Signer
	legacy *legacy // nil unless asked for
	now    func() time.Time
	zlib   *zlibPool
}

// NewSigned returns the codec of Django's db, file and cached_db engines.
func NewSigned(keys signing.Keys, now func() time.Time) *Signed {
	return NewSignedWith(SignedOptions{Keys: keys, Now: now})
}

// NewSignedWith returns the codec that o describes.
func NewSignedWith(o SignedOptions) *Signed {
	if o.Salt == "" {
		o.Salt = StoreSalt
	}
	s := &Signed{now: o.Now, zlib: newZlibPool()}
	if !o.Legacy {
		s.signer = signing.NewSigner(o.Salt, o.Keys)
		return s
	}
	s.signer = signing.NewLegacySigner(o.Salt, o.Keys)
	s.legacy = newLegacy(o.Salt, o.Keys)
	return s
}

// Encode returns d's signed text, made now, with the secret key.
func (s *Signed) Encode(d *pyvalue.Dict) ([]byte, error) {
	text, err := pyvalue.AppendJSON(nil, d)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	payload, err := s.pack(text)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	return []byte(s.signer.Sign(payload, s.now())), nil
}

// Decode reads signed text of any age. Fallback tells that another key than the secret key had signed it; the next
// Encode puts that right.
func (s *Signed) Decode(text []byte) (d *pyvalue.Dict, fallback bool, err error) {
	o, err := s.Open(text)
	return o.Data, o.Fallback, err
}

// Opened is what [Signed.Open] found.
type Opened struct {
	Data     *pyvalue.Dict
	SignedAt time.Time // whole seconds; the zero time in the layout before Django 3.1, which has none
	Fallback bool      // signed with a fallback key
}

// Open is Decode for callers who look at the age (signed cookies; signing.CheckAge).
func (s *Signed) Open(text []byte) (Opened, error) {
	if len(text) > maxText {
		return Opened{}, fmt.Errorf("decode session: %w: more than %d bytes", pyvalue.ErrLimit, maxText)
	}
	o, err := s.open(string(text))
	if err != nil && s.legacy != nil {
		if old, oldErr := s.legacy.open(text); oldErr == nil {
			return old, nil
		}
	}
	if err != nil {
		return Opened{}, fmt.Errorf("decode session: %w", err)
	}
	return o, nil
}

func (s *Signed) open(text string) (Opened, error) {
	payload, signedAt, fallback, err := s.signer.Unsign(text)
	if err != nil {
		return Opened{}, err
	}
	d, err := s.unpack(payload)
	return Opened{Data: d, SignedAt: signedAt, Fallback: fallback}, err
}
