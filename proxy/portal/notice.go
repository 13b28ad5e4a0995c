package portal

import (
	"net/http"
	"strconv"
	"strings"

	"coatcheck/proxy/wording"
)

// notice is what the account page says was done, as the address has it. Anybody can write such a link; it says no more than these
// sentences and does nothing.
func (p *Portal) notice(r *http.Request) string {
	l, done := wording.For(r.Header), r.URL.Query().Get("done")
	if number, found := strings.CutPrefix(done, "ended-others-"); found {
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return ""
		}
		return l.Say("account.ended-others", wording.Values{"n": int(n)})
	}
	switch done {
	case "ended":
		return l.Say("account.ended", nil)
	case "password":
		return l.Say("account.changed", nil)
	}
	return ""
}
