package identity

import (
	"net/http"
	"slices"
)

// Stripper removes the headers of a request that an upstream could take for ours, or that only a proxy may write.
//
// Names are compared as CGI folds them (RFC 3875 section 4.1.18: upper case, "-" and "_" alike), because WSGI, PHP and
// CGI upstreams see them so: "Remote_User" is "Remote-User" there. A name with any byte but letters, digits and dashes is removed
// whatever it is; each server folds those in its own way (ASVS 4.1.3, 15.3.4). Safe for concurrent use.
type Stripper struct {
	names map[string]bool // folded; false: a forwarding header, removed only from untrusted peers
	// Folded prefixes.
	identity, forwarding []string
	first                [256]bool // folded first bytes of all of them: most headers are passed over after one look
}

// NewStripper returns a stripper of names (those of [Headers.Names]), of every preset's headers whatever the
// configuration, and of those that only a proxy may write (RFC 7239 section 8).
func NewStripper(names ...string) *Stripper {
	s := &Stripper{
		identity:   []string{"REMOTE_", "X_REMOTE_", "X_AUTH_REQUEST_", "X_WEBAUTH_"},
		forwarding: []string{"X_FORWARDED_", "X_SSL_"},
		names:      map[string]bool{},
	}
	s.add(false, "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "X-Original-URL", "X-Original-URI", "X-Original-Method", "X-Rewrite-URL",
		"Front-End-Https", "X-Scheme", "X-Accel-Mapping", "X-Sendfile-Type")
	s.add(true, "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Session-Token",
		"Proxy") // httpoxy: CGI makes HTTP_PROXY of it
	s.add(true, names...)
	for _, prefix := range slices.Concat(s.identity, s.forwarding) {
		s.first[prefix[0]] = true
	}
	return s
}

func (s *Stripper) add(always bool, names ...string) {
	for _, name := range names {
		if folded := foldName(name); folded != "" {
			s.names[folded] = always
			s.first[folded[0]] = true
		}
	}
}

// Strip removes them from h, in one pass. trusted says that the peer is a trusted proxy, whose forwarding headers stay.
// It returns the names as they were sent, sorted, for the security log; nil when nothing had to go. Trailers are
// stripped by a call of their own.
func (s *Stripper) Strip(h http.Header, trusted bool) (dropped []string) {
	for name := range h {
		if s.drops(name, trusted) {
			delete(h, name)
			dropped = append(dropped, name)
		}
	}
	slices.Sort(dropped)
	return dropped
}

func (s *Stripper) drops(name string, trusted bool) bool {
	if !isPlain(name) {
		return true
	}
	if !s.first[foldByte(name[0])] {
		return false
	}
	var buf [64]byte
	folded := buf[:0]
	for i := range len(name) { // on the stack unless a client sends a name of that length
		folded = append(folded, foldByte(name[i]))
	}
	if always, known := s.names[string(folded)]; known {
		return always || !trusted
	}
	return hasPrefix(folded, s.identity) || !trusted && hasPrefix(folded, s.forwarding)
}

func hasPrefix(name []byte, prefixes []string) bool {
	for _, p := range prefixes {
		if len(name) >= len(p) && string(name[:len(p)]) == p {
			return true
		}
	}
	return false
}

// isPlain reports that name has letters, digits and dashes only, and at least one of them.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && foldByte(c) == '_' {
			return false
		}
	}
	return name != ""
}

// foldName is the name as CGI makes a variable of it.
func foldName(name string) string {
	folded := []byte(name)
	for i, c := range folded {
		folded[i] = foldByte(c)
	}
	return string(folded)
}

func foldByte(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		return c
	case 'a' <= c && c <= 'z':
		return c - 'a' + 'A'
	}
	return '_'
}
