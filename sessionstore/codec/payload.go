package codec

import (
	"encoding/base64"
	"fmt"
	"strings"

	"coatcheck/internal/pyvalue"
)

// pack is the payload of signing.dumps(compress=True): compressed, with a dot in front, where that saves more than the
// dot. Go's deflate ends with an empty block, so up to 8 bytes from that edge Django may decide otherwise; readers take both.
func (s *Signed) pack(text []byte) (string, error) {
	small, shorter, err := s.zlib.deflate(text)
	if err != nil {
		return "", err
	}
	if shorter {
		return "." + base64.RawURLEncoding.EncodeToString(small), nil
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}

// unpack reads a payload whose signature was checked, as leniently as signing.loads does.
func (s *Signed) unpack(payload string) (*pyvalue.Dict, error) {
	encoded, compressed := strings.CutPrefix(payload, ".")
	data, err := decodeBase64(encoded)
	if err != nil {
		return nil, err
	}
	if !compressed {
		return pyvalue.ParseJSON(data)
	}
	buf, err := s.zlib.inflate(data)
	if err != nil {
		return nil, err
	}
	defer s.zlib.release(buf)
	return pyvalue.ParseJSON(*buf)
}

// decodeBase64 takes either alphabet, with padding or without, as Python's urlsafe_b64decode does.
func decodeBase64(s string) ([]byte, error) {
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		return data, nil
	}
	s = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(s, "="))
	if data, err = base64.RawURLEncoding.DecodeString(s); err != nil {
		return nil, fmt.Errorf("%w: bad base64", pyvalue.ErrMalformed)
	}
	return data, nil
}
