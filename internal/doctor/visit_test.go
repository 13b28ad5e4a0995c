package doctor

import (
	"net/http"
	"net/url"
	"testing"
)

func TestRedirectTellsWhatIsBelieved(t *testing.T) {
	for _, c := range []struct{ name, asked, location, key string }{
		{"relative", "https://app.example.com", "/.auth/login?next=/", ""},
		{"right", "https://app.example.com", "https://APP.example.com/.auth/login", ""},
		{"http for https", "https://app.example.com", "http://app.example.com/.auth/login", "trusted_proxies"},
		{"another host", "https://app.example.com", "https://10.0.0.7:8080/.auth/login", "public_url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := url.Parse(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			n := &notes{check: "url"}
			new(Patient).judgeRedirect(n, u, &http.Response{Header: http.Header{"Location": {c.location}}})
			key := ""
			for _, f := range n.findings {
				key += f.Key
			}
			if key != c.key {
				t.Errorf("asked %s, sent to %s: found wrong %q, want %q", c.asked, c.location, key, c.key)
			}
		})
	}
}
