package upstream

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"coatcheck/proxy/facts"
)

// mark is a member's value of the affinity cookie. It depends on the place in the list alone, so that all processes with the
// same list agree, and it tells no address.
func mark(index int) string {
	sum := sha256.Sum256([]byte("coatcheck upstream " + strconv.Itoa(index)))
	return hex.EncodeToString(sum[:8])
}

// affinityOf gives the mark that a request carries; of several cookies with the name the first counts.
func affinityOf(r *http.Request, name string) string {
	if name == "" {
		return ""
	}
	if cookies := r.CookiesNamed(name); len(cookies) > 0 {
		return cookies[0].Value
	}
	return ""
}

func setAffinity(res *http.Response, name, mark string) {
	cookie := http.Cookie{Name: name, Value: mark, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: facts.From(res.Request.Context()).Secure}
	res.Header.Add("Set-Cookie", cookie.String())
}

// withoutCookie gives the header without the cookie, which is no business of the application's; all others stay as they are.
func withoutCookie(h http.Header, name string) http.Header {
	lines := h["Cookie"]
	if !strings.Contains(strings.Join(lines, ";"), name) {
		return h
	}
	h = h.Clone()
	h.Del("Cookie")
	for _, line := range lines {
		var kept []string
		for pair := range strings.SplitSeq(line, ";") {
			if key, _, _ := strings.Cut(pair, "="); strings.Trim(key, " \t") != name {
				kept = append(kept, pair)
			}
		}
		if len(kept) > 0 {
			h.Add("Cookie", strings.TrimLeft(strings.Join(kept, ";"), " "))
		}
	}
	return h
}
