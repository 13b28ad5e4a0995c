package problem

import (
	"net/http"
	"strings"
)

// Navigation reports whether r is a browser going to a page, so that HTML and redirects make sense to it. Browsers that send
// Sec-Fetch-Mode say so themselves (Fetch Metadata 2.2); of others an Accept that names text/html and no
// X-Requested-With is taken for one.
func Navigation(r *http.Request) bool {
	if mode, ok := r.Header["Sec-Fetch-Mode"]; ok {
		return len(mode) == 1 && mode[0] == "navigate"
	}
	if _, ok := r.Header["X-Requested-With"]; ok {
		return false
	}
	for _, line := range r.Header["Accept"] {
		if namesHTML(line) {
			return true
		}
	}
	return false
}

// namesHTML looks for the media type itself: */* and text/* are what programs send.
func namesHTML(accept string) bool {
	for member := range strings.SplitSeq(accept, ",") {
		mediaType, _, _ := strings.Cut(member, ";")
		if strings.EqualFold(strings.Trim(mediaType, " \t"), "text/html") {
			return true
		}
	}
	return false
}
