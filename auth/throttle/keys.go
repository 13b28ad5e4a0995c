package throttle

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"coatcheck/auth"
	"coatcheck/internal/signing"
)

// keys name the rows of one attempt, in the order in which they are locked.
type keys struct {
	pair, account          string
	place                  string // the pair of the address, which pair is but for a known browser
	address, addressBefore string
	overall, overallBefore string
}

// keysOf hides names and addresses behind a keyed hash: the table is no list of who lives here.
func (t *Throttle) keysOf(c auth.Claim, now time.Time) keys {
	account, address := t.hash("account", fold(c.Login)), t.hash("address", network(c.Client))
	running := now.UnixMilli() / window.Milliseconds()
	this, last := strconv.FormatInt(running, 10), strconv.FormatInt(running-1, 10)
	place := pairPrefix(account) + address
	pair := place
	if c.Browser != "" {
		pair = pairPrefix(account) + t.hash("browser", c.Browser)
	}
	return keys{
		pair: pair, place: place,
		account: accountKey(account),
		address: "a:" + address + ":" + this, addressBefore: "a:" + address + ":" + last,
		overall: "o:" + this, overallBefore: "o:" + last,
	}
}

func pairPrefix(account string) string { return "p:" + account + ":" }
func accountKey(account string) string { return "u:" + account }

// hash is 96 bits in hex.
func (t *Throttle) hash(purpose, value string) string {
	return hex.EncodeToString(signing.SaltedHMAC("coatcheck.throttle."+purpose, t.secret, value)[:12])
}

// fold makes one account of all spellings that any user table could take for one: case and accents do not count, as in MySQL's
// collations. Otherwise each spelling would have a budget of its own. Two users whose names differ only in that share their count.
func fold(login string) string {
	marks := func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}
	bare := strings.Map(marks, norm.NFKD.String(login))
	return strings.TrimSpace(norm.NFKC.String(cases.Fold().String(bare)))
}

// network is the address, or the /64 of an IPv6 address: whoever has one has all of them. No address is one of its own.
func network(client netip.Addr) string {
	client = client.Unmap().WithZone("")
	if !client.Is6() {
		return client.String()
	}
	prefix, err := client.Prefix(64)
	if err != nil {
		return client.String()
	}
	return prefix.String()
}
