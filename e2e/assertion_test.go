package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// An application that trusts nothing but the signature, and one that wants Basic credentials.
func TestAssertionAndBasicAuth_9_1_1(t *testing.T) {
	t.Parallel()
	app := recorder(t)
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = fmt.Sprintf(`public_url: http://app.example.com
routes:
  - {path: /, upstream: %q}
  - {host: wiki.example.com, path: /, upstream: %q}
  - {path: /basic, upstream: %[1]q, identity: {jwt: {header: ""}, basic_auth: {username_from: username, password: s3cret}}}
identity: {preset: none, jwt: {header: X-Assertion, ttl: 2m}}
`, app.URL, app.URL)
	p := serve(t, serveOptions{Config: s.yaml()})
	p.addUser("alice")
	alice := newVisitor(t, p.URL)
	alice.login("alice", userPassword)
	seen := func(path, host string) http.Header {
		t.Helper()
		req := alice.request(http.MethodGet, path, "", "X-Assertion", "forged", "Authorization", "Basic cm9vdDpyb290")
		if host != "" {
			req.Host = host
			req.AddCookie(&http.Cookie{Name: "sessionid", Value: alice.cookie("sessionid")}) // the jar has it for another host
		}
		var got struct {
			Header http.Header `json:"header"`
		}
		if a := alice.do(req); json.Unmarshal([]byte(a.Text), &got) != nil {
			t.Fatalf("%s %.200s", a.Status, a.Text)
		}
		return got.Header
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(newVisitor(t, p.URL).get("/.auth/jwks.json").Text), &keys); err != nil || len(keys.Keys) != 1 {
		t.Fatalf("keys %+v, %v", keys, err)
	}
	for host, audience := range map[string]string{"": "app.example.com", "wiki.example.com": "wiki.example.com"} {
		tokens := seen("/", host)["X-Assertion"]
		if len(tokens) != 1 {
			t.Fatalf("assertions %q", tokens)
		}
		token, err := jwt.ParseSigned(tokens[0], []jose.SignatureAlgorithm{jose.EdDSA})
		if err != nil {
			t.Fatal(err)
		}
		var claims jwt.Claims
		own := map[string]any{}
		if err := token.Claims(keys, &claims, &own); err != nil {
			t.Fatal(err)
		}
		if claims.Issuer != "http://app.example.com" || !claims.Audience.Contains(audience) || own["preferred_username"] != "alice" || claims.Expiry == nil {
			t.Errorf("%+v %v", claims, own)
		}
	}
	h := seen("/basic", "")
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:s3cret")); h.Get("Authorization") != want || h.Get("X-Assertion") != "" {
		t.Errorf("Authorization %q, assertion %q", h.Get("Authorization"), h.Get("X-Assertion"))
	}
	if out, err := p.run("", "config", "show", "--config", p.dir+"/config.yaml"); err != nil || strings.Contains(out, "s3cret") {
		t.Errorf("13.3.1 config show: %v\n%s", err, out)
	}
}
