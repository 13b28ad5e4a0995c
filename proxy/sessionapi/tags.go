package sessionapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// tagOf is the strong entity tag of a text (RFC 9110 8.8.3); equal texts have equal ones.
func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// checkTags holds If-Match and If-None-Match (RFC 9110 13.1.1, 13.1.2) of a write against the current tag; "" is for what is not there.
func (c *call) checkTags(current string) error {
	if lines := c.r.Header["If-Match"]; len(lines) > 0 && !matches(lines, current) {
		return refuse(http.StatusPreconditionFailed, "It has changed since it was read. Read it again, and build on what is there now.")
	}
	if lines := c.r.Header["If-None-Match"]; len(lines) > 0 && matches(lines, current) {
		return refuse(http.StatusPreconditionFailed, "It is there already.")
	}
	return nil
}

// unchanged reports whether a reader has the current text already.
func (c *call) unchanged(current string) bool {
	lines := c.r.Header["If-None-Match"]
	return len(lines) > 0 && matches(lines, current)
}

func matches(lines []string, current string) bool {
	if current == "" {
		return false
	}
	for _, line := range lines {
		for member := range strings.SplitSeq(line, ",") {
			if member = strings.Trim(member, " \t"); member == "*" || member == current {
				return true
			}
		}
	}
	return false
}
