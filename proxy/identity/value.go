package identity

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"coatcheck/auth"
	"coatcheck/internal/pyvalue"
)

// maxValue is the longest value sent, in bytes. Usual servers refuse a header line over 8 KiB (ASVS 4.2.5).
const maxValue = 8<<10 - 256

var (
	errText    = errors.New("the value holds a control character or is not UTF-8")
	errBlanks  = errors.New("the value begins or ends with a blank, which a receiver would cut off")
	errTooLong = fmt.Errorf("the value is longer than %d bytes", maxValue)
)

// value is what a header carries: a property of the principal, or a key of its session.
type value struct {
	property string
	key      string // of session data, when property is session
}

func parseValue(text string) (value, error) {
	switch text {
	case "id", "username", "email", "name", "groups", "staff", "superuser", visitorProperty:
		return value{property: text}, nil
	}
	if key, found := strings.CutPrefix(text, "session:"); found && key != "" {
		return value{"session", key}, nil
	}
	return value{}, fmt.Errorf("value %q: use id, username, email, name, groups, staff, superuser, visitor or session:KEY", text)
}

// text is v of p, fit to be sent.
func (h *Headers) text(v value, p auth.Principal) (string, error) {
	text, err := v.raw(p, h.separator)
	if v.property == visitorProperty {
		text, err = h.visitor(p), nil
	}
	switch {
	case err != nil:
		return "", err
	case !plainText(text):
		return "", errText
	case strings.TrimSpace(text) != text:
		return "", errBlanks
	case len(text) > maxValue:
		return "", errTooLong
	}
	return text, nil
}

func (v value) raw(p auth.Principal, separator string) (string, error) {
	if v.property == "session" {
		return sessionText(p, v.key), nil
	}
	if p.Anonymous() {
		return "", nil
	}
	switch v.property {
	case "id":
		return p.ID, nil
	case "username":
		return p.Username, nil
	case "email":
		return p.Email, nil
	case "name": // for people to read: blanks at its ends mean nothing
		return strings.TrimSpace(p.Name), nil
	case "groups":
		return joinGroups(p.Groups, separator)
	case "staff":
		return strconv.FormatBool(p.Staff), nil
	}
	return strconv.FormatBool(p.Superuser), nil
}

// joinGroups refuses a name that would make its members part of other groups too.
func joinGroups(groups []string, separator string) (string, error) {
	for _, g := range groups {
		if g == "" || strings.Contains(g, separator) || strings.TrimSpace(g) != g {
			return "", fmt.Errorf("group %q is empty, holds the separator %q, or has blanks at its ends; rename the group or set another identity.group_separator", g, separator)
		}
	}
	return strings.Join(groups, separator), nil
}

// sessionText is a string, number or boolean of the session; anything else is no header.
func sessionText(p auth.Principal, key string) string {
	if p.Session == nil {
		return ""
	}
	v, _ := p.Session.Get(key)
	return pythonText(v)
}

func pythonText(v pyvalue.Value) string {
	switch v := v.(type) {
	case pyvalue.Str:
		return string(v)
	case pyvalue.Int:
		return v.String()
	case pyvalue.Bool:
		return strconv.FormatBool(bool(v))
	case pyvalue.Float:
		return floatText(float64(v))
	}
	return ""
}

// floatText writes 1.0 with its fraction, as Python and JSON readers expect of a float; NaN and the infinities are no header.
func floatText(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return ""
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e16 {
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// ofUser reports that the value follows from the user's row alone: the same in all sessions of the user.
func (v value) ofUser() bool {
	switch v.property {
	case "id", "username", "email", "name", "groups", "staff", "superuser":
		return true
	}
	return false
}
