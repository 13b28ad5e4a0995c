package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the answer to "is there such a time zone" must not depend on the machine
)

// Each check looks at one text. Its error continues `"value" …`, says what is allowed, and repeats nothing of the value.

func optional(check func(string) error) func(string) error {
	return func(text string) error {
		if text == "" {
			return nil
		}
		return check(text)
	}
}

func notEmpty(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	return printable(text)
}

func printable(text string) error {
	if text == "" || strings.ContainsFunc(text, control) {
		return errors.New("must be text without control characters")
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

func directory(text string) error {
	if text == "" || strings.ContainsFunc(text, control) {
		return errors.New("must name a directory")
	}
	if info, err := os.Stat(text); err == nil && !info.IsDir() {
		return errors.New("is a file; name a directory")
	}
	return nil
}

const largestImage = 1 << 20 // bytes

func image(text string) error {
	_, _, err := readFile(text, largestImage)
	return err
}

var colourPattern = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)

func colour(text string) error {
	if !colourPattern.MatchString(text) {
		return errors.New(`is no colour: write it as "#rrggbb", in quotes`)
	}
	return nil
}

func validator(text string) error {
	switch text {
	case "length", "similarity", "common", "numeric":
		return nil
	}
	return errors.New("is no password validator: use length, similarity, common or numeric")
}

func readableFile(text string) error {
	_, _, err := readFile(text, largestFile)
	return err
}

func timeZone(text string) error {
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return errors.New("is no time zone: use a name such as UTC or Europe/Berlin")
	}
	return nil
}

var (
	tokenPattern      = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110 section 5.6.2
	headerPattern     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)
	methodPattern     = regexp.MustCompile(`^[A-Z][A-Z-]{0,31}$`) // ASVS 4.1.4: at most 32 bytes
	identifierPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$`)
	hostPattern       = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
)

func token(text string) error {
	if !tokenPattern.MatchString(text) || len(text) > 128 {
		return errors.New("must be letters, digits and - _ . (no spaces, no = or ;)")
	}
	return nil
}

// Upstreams drop or fold other names (ASVS 4.1.3), and a header of the connection itself is none of identity's.
func headerName(text string) error {
	if !headerPattern.MatchString(text) || len(text) > 128 {
		return errors.New("is no header name: use letters, digits and -")
	}
	switch strings.ToLower(text) {
	case "host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer", "keep-alive", "cookie", "set-cookie", "proxy-connection",
		"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip":
		return errors.New("has a meaning of its own in HTTP; choose another header")
	}
	return nil
}

// headerText is what may stand in a header line (RFC 9110 5.5).
func headerText(text string) error {
	if strings.ContainsFunc(text, control) || strings.TrimSpace(text) != text {
		return errors.New("must be text without control characters and without blanks at its ends")
	}
	return nil
}

// basicName is a user name of Basic credentials (RFC 7617 section 2).
func basicName(text string) error {
	if strings.Contains(text, ":") {
		return errors.New("holds a colon, which ends the name in Basic credentials")
	}
	return printable(text)
}

func ending(text string) error {
	if text == "" || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return errors.New("is no ending: write it in small letters and without the dot, such as txt")
	}
	return nil
}

func absolutePath(text string) error {
	if !strings.HasPrefix(text, "/") {
		return errors.New("must be an absolute path, such as /usr/lib/cgit/cgit.cgi")
	}
	return printable(text)
}

func method(text string) error {
	switch {
	case !methodPattern.MatchString(text):
		return errors.New("is no request method: write it in capitals, such as GET or POST")
	case text == "TRACE" || text == "TRACK" || text == "CONNECT" || text == "PRI":
		return errors.New("is never forwarded; remove it")
	}
	return nil
}

func identityValue(text string) error {
	switch text {
	case "id", "username", "email", "name", "groups", "staff", "superuser", "visitor":
		return nil
	}
	if key, found := strings.CutPrefix(text, "session:"); found && key != "" && printable(key) == nil {
		if strings.HasPrefix(key, "_") {
			return errors.New("names a session key that begins with _; those are not shown to applications")
		}
		return nil
	}
	return errors.New("is not allowed: use id, username, email, name, groups, staff, superuser, visitor or session:KEY")
}

// Names go into SQL as quoted identifiers; still only these characters are let in (ASVS 1.2.4).
func identifier(text string) error {
	if !identifierPattern.MatchString(text) {
		return errors.New("is no name of a table or column: use letters, digits and _")
	}
	return nil
}

func nearCache(text string) error {
	if text == "auto" || text == "off" {
		return nil
	}
	if d, err := parseDuration(text); err != nil || d <= 0 || d > maxNearCache {
		return errors.New("is not allowed: use auto, off or a duration up to 1m, such as 5s")
	}
	return nil
}

// maxNearCache is the longest that a logout elsewhere may go unheard, where an operator allows for it.
const maxNearCache = time.Minute

// parsePrefix reads a network, or a bare address as the network of that address alone.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, errors.New("is no network: write 10.0.0.0/8, 2001:db8::/32 or one address")
	case prefix.Addr().Is4In6():
		return netip.Prefix{}, errors.New("is an IPv4 network in IPv6 clothes: write it as IPv4, such as 10.0.0.0/8")
	case prefix.Masked() != prefix:
		return netip.Prefix{}, fmt.Errorf("has bits behind its mask: write %s, or one address without /", prefix.Masked())
	}
	return prefix, nil
}

func listenAddress(text string) error {
	if port(text) == nil {
		return errors.New("has no colon: write \":\" before the port, such as :8080")
	}
	host, number, ok := splitHostPort(text)
	if !ok || port(number) != nil {
		return errors.New("is no address to listen on: write host:port or :port, such as 127.0.0.1:8080 or [::1]:8080")
	}
	if host != "" && hostName(host) != nil {
		return errors.New("has no valid host before the port")
	}
	return nil
}

// httpListen takes auto besides an address: what it means, [TLS.PlainListen] knows.
func httpListen(text string) error {
	if text == "auto" {
		return nil
	}
	return optional(listenAddress)(text)
}

func listenOrSocket(text string) error {
	if path, found := strings.CutPrefix(text, "unix:"); found {
		return socketPath(path)
	}
	return listenAddress(text)
}

// splitHostPort demands brackets around IPv6.
func splitHostPort(text string) (host, number string, ok bool) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", "", false
	}
	host, number = text[:i], text[i+1:]
	if inner, found := strings.CutPrefix(host, "["); found {
		inner, found = strings.CutSuffix(inner, "]")
		return inner, number, found && strings.Contains(inner, ":")
	}
	return host, number, !strings.Contains(host, ":")
}

// port checks a number; 0 lets the system choose.
func port(text string) error {
	if _, err := strconv.ParseUint(text, 10, 16); err != nil {
		return errors.New("is no port: use 0 to 65535")
	}
	return nil
}

func hostName(text string) error {
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil && addr.Zone() == "" {
		return nil
	}
	if strings.Contains(text, "*") {
		return errors.New("holds a *; name each host, or leave it out for any host")
	}
	if len(text) > 253 || !hostPattern.MatchString(text) {
		return errors.New("is no host name: write it without scheme, port and path, such as app.example.com")
	}
	return nil
}

// parsed reads a URL of the schemes, such as "http://". The last unadvertised of them are known and not recommended.
func parsed(text string, unadvertised int, schemes ...string) (*url.URL, error) {
	begins := "it begins with " + alternatives(schemes[:len(schemes)-unadvertised])
	scheme, _, found := strings.Cut(text, ":")
	if !found || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || control(r) }) {
		return nil, errors.New("is no URL: " + begins)
	}
	if !slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s[:strings.Index(s, ":")], scheme) }) {
		return nil, errors.New("has another scheme: " + begins)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("is no valid URL: look at host and port, and write @ : / % in a password as %40 %3A %2F %25")
	}
	return u, nil
}
