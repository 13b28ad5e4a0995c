package config

import (
	"fmt"
	"strings"
	"time"
)

// checkAssertions: everybody may read the public key, and could try guesses of a short secret key against it.
func (l *loading) checkAssertions(cfg *Config) {
	ids := map[string]Identity{"identity": cfg.Identity}
	for i, r := range cfg.Routes {
		if !cfg.short {
			ids[fmt.Sprintf("routes[%d].identity", i)] = r.Identity
		}
	}
	for at, id := range ids {
		l.checkBasicAuth(at, id.BasicAuth)
		if id.JWT.Header == "" || at != "identity" && id.JWT == cfg.Identity.JWT {
			continue
		}
		if id.JWT.TTL < time.Second || id.JWT.TTL > 24*time.Hour {
			l.bad(at+".jwt.ttl", "must be at least a second and at most a day")
		}
		if cfg.PublicURL == "" {
			l.bad(at+".jwt.header", "needs public_url, which assertions name as their issuer")
		}
		if !cfg.SecretKey.Empty() && len(cfg.SecretKey.Reveal()) < shortKey {
			l.bad(at+".jwt.header", "needs a secret_key of at least %d bytes; make one with: openssl rand -base64 48", shortKey)
		}
		if strings.EqualFold(id.JWT.Header, "Authorization") && id.BasicAuth.On() {
			l.bad(at+".jwt.header", "is Authorization, which basic_auth sends, too; choose another")
		}
		for _, h := range id.Headers {
			if strings.EqualFold(h.Name, id.JWT.Header) {
				l.bad(at+".jwt.header", "is one of headers, too; choose another")
			}
		}
	}
}

func (l *loading) checkBasicAuth(at string, b BasicAuth) {
	if b.Username != "" && b.UsernameFrom != "" {
		l.bad(at+".basic_auth.username", "and username_from exclude each other; keep one")
	}
	_, here := l.origins[at+".basic_auth.password"]
	_, inFile := l.origins[at+".basic_auth.password_file"]
	if at != "identity" && !b.On() && (here || inFile) && !b.Password.Empty() {
		l.bad(at+".basic_auth.password", "has no user name: give username or username_from")
	}
}

// completeBasicAuth reads a route's password_file, and lets a user name of its own replace either kind of the section's.
func (l *loading) completeBasicAuth(at string, route map[string]any) {
	identity, _ := route["identity"].(map[string]any)
	basic, _ := identity["basic_auth"].(map[string]any)
	for name, other := range map[string]string{"username": "username_from", "username_from": "username"} {
		if _, given := basic[name]; given {
			if _, both := basic[other]; !both {
				basic[other] = ""
			}
		}
	}
	path, _ := basic["password_file"].(string)
	if path == "" {
		return
	}
	if _, given := basic["password"]; given {
		l.bad(at+".password_file", "is given together with password; keep one of them")
		return
	}
	secret, err := ReadSecretFile(path)
	if err == nil {
		err = printable(secret.Reveal())
	}
	if err != nil {
		l.bad(at+".password_file", "%v", err)
		return
	}
	basic["password"] = secret
}
