package sessionapi

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"unicode/utf16"
	"unicode/utf8"

	"coatcheck/internal/pyvalue"
)

const (
	// maxBody bounds a value as it is sent, in bytes.
	maxBody = 64 << 10
	// maxDepth bounds lists and objects inside one another.
	maxDepth = 16
)

var (
	errNoJSON  = errors.New("not a value that JSON has")
	errTooDeep = errors.New("too deep")
)

// readValue reads the body as one JSON value. Numbers keep their kind: 1 is not 1.0.
func (c *call) readValue() (pyvalue.Value, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var size *http.MaxBytesError
	switch {
	case errors.As(err, &size):
		return nil, refuse(http.StatusRequestEntityTooLarge, "A value has at most 64 KiB of JSON.")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "The value could not be read to its end.")
	case !utf8.Valid(body) || !json.Valid(body):
		return nil, refuse(http.StatusBadRequest, "The value is not JSON in UTF-8; a text needs its quotes.")
	}
	d, err := pyvalue.ParseJSON(append(ascii([]byte(`{"v":`), body), '}'))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The value is JSON that a session cannot hold: it is nested too deep, or has too many or too long parts.")
	}
	v, _ := d.Get("v")
	switch err := plain(v, 0); {
	case errors.Is(err, errTooDeep):
		return nil, refuse(http.StatusBadRequest, "The value is nested too deep: at most 16 lists and objects inside one another.")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "The value has a number that is too large.")
	}
	return v, nil
}

// ascii appends valid JSON to dst with every character beyond ASCII escaped. Such characters are in strings only.
func ascii(dst, src []byte) []byte {
	const hex = "0123456789abcdef"
	unit := func(r rune) { dst = append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15]) }
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		switch first, second := utf16.EncodeRune(r); {
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case first != utf8.RuneError:
			unit(first)
			unit(second)
		default:
			unit(r)
		}
		src = src[size:]
	}
	return dst
}

// plain finds what JSON does not have: NaN, infinities, bytes, sets, dates; and what is nested too deep.
func plain(v pyvalue.Value, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v := v.(type) {
	case pyvalue.None, pyvalue.Bool, pyvalue.Int, pyvalue.Str:
		return nil
	case pyvalue.Float:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return errNoJSON
		}
		return nil
	case pyvalue.Tuple:
		return plainAll(v, depth)
	case *pyvalue.List:
		return plainAll(v.Items, depth)
	case *pyvalue.Dict:
		for _, e := range v.Entries() {
			if err := plain(e.Value, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return errNoJSON
}

func plainAll(items []pyvalue.Value, depth int) error {
	for _, item := range items {
		if err := plain(item, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// jsonOf writes a value; errNoJSON, if JSON cannot hold it.
func jsonOf(v pyvalue.Value) ([]byte, error) {
	if err := plain(v, 0); errors.Is(err, errNoJSON) {
		return nil, err
	}
	d := pyvalue.NewDict()
	d.Set("v", v)
	text, err := pyvalue.AppendJSON(nil, d)
	if err != nil {
		return nil, errNoJSON
	}
	return text[len(`{"v":`) : len(text)-1], nil
}
