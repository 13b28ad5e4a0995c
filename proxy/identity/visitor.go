package identity

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"coatcheck/auth"
)

// VisitorName is the name in the session data of the random text that a visitor's id is made of.
const VisitorName = "_coatcheck_visitor"

const visitorProperty = "visitor"

// visitor is an id that stays the same from the first visit through logins until the session ends, and from which neither the
// session key nor anything else in the session can be told. A new secret key makes new ids.
func (h *Headers) visitor(p auth.Principal) string {
	if p.Session == nil {
		return ""
	}
	random, _ := p.Session.GetString(VisitorName)
	if random == "" {
		return ""
	}
	mac := hmac.New(sha256.New, h.visitors)
	mac.Write([]byte(random))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// Visitors reports whether one of the headers tells the visitor's id.
func (h *Headers) Visitors() bool {
	for _, e := range h.headers {
		if e.value.property == visitorProperty {
			return true
		}
	}
	return false
}
