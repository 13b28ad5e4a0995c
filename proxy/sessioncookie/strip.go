package sessioncookie

import (
	"net/http"
	"slices"
	"strings"
)

// Strip removes the session cookie from the Cookie lines of a request to an upstream; all other pairs stay byte for byte.
// A keep that is not empty is the session key that was checked: then exactly one pair, that one, is left or put in. Several
// lines become one, joined by "; ": a WSGI server would join them with a comma and lose the cookies. A header that ends up
// empty goes. A keep that is no cookie value ([ErrBadKey]) is left out.
func (c *Cookie) Strip(h http.Header, keep string) {
	lines := h["Cookie"]
	if !validValue(keep) {
		keep = ""
	}
	if len(lines) == 0 && keep == "" {
		return
	}
	if len(lines) == 1 && keep == "" && !strings.Contains(lines[0], c.opts.Name) {
		return
	}
	var rest []string
	for _, line := range lines {
		if line = c.stripLine(line, &keep); line != "" {
			rest = append(rest, line)
		}
	}
	if keep != "" {
		rest = append(rest, c.opts.Name+"="+keep)
	}
	if len(rest) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = []string{strings.Join(rest, "; ")}
}

// stripLine takes our pairs out of a line. The first of them makes room for *keep, which is then emptied.
func (c *Cookie) stripLine(line string, keep *string) string {
	var b strings.Builder
	for chunk := range strings.SplitSeq(line, ";") {
		if c.ours(chunk) {
			if *keep == "" {
				continue
			}
			chunk, *keep = " "+c.opts.Name+"="+*keep, ""
		}
		if b.Len() > 0 {
			b.WriteByte(';')
		} else {
			chunk = strings.TrimLeft(chunk, " \t")
		}
		b.WriteString(chunk)
	}
	return b.String()
}

// ours reports whether any reader could take the pair for our cookie: Django trims all of Unicode's white space off a
// name, others decode the header as Latin-1 first.
func (c *Cookie) ours(chunk string) bool {
	name, _, found := strings.Cut(chunk, "=")
	return found && trimSpace(name) == c.opts.Name
}

// trimSpace trims white space at both ends, whether the bytes are read as UTF-8 or as Latin-1.
func trimSpace(s string) string {
	for {
		t := strings.TrimSpace(s)
		t = strings.TrimFunc(t, func(r rune) bool { return 0x1c <= r && r <= 0x1f })
		if t != "" && isLatin1Space(t[0]) {
			t = t[1:]
		}
		if t != "" && isLatin1Space(t[len(t)-1]) {
			t = t[:len(t)-1]
		}
		if t == s {
			return t
		}
		s = t
	}
}

func isLatin1Space(b byte) bool { return b == 0x85 || b == 0xa0 }

// SetBy reports whether an upstream's answer sets or clears our cookie.
func (c *Cookie) SetBy(h http.Header) bool {
	return slices.ContainsFunc(h["Set-Cookie"], c.setsOurs)
}

// DropSetCookie removes our cookie from an upstream's answer: only we hand out session keys.
func (c *Cookie) DropSetCookie(h http.Header) {
	lines := h["Set-Cookie"]
	if !slices.ContainsFunc(lines, c.setsOurs) {
		return
	}
	lines = slices.DeleteFunc(slices.Clone(lines), c.setsOurs)
	if len(lines) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = lines
}

// A cookie without a name, "=sessionid=x", is sent back by browsers as "sessionid=x" (RFC 6265bis section 5.8.3).
func (c *Cookie) setsOurs(line string) bool {
	pair, _, _ := strings.Cut(line, ";")
	return c.ours(strings.TrimLeft(pair, "= \t"))
}
