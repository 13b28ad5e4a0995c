package e2e

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore/codec"
)

// expire lets the visitor's session grow old behind both sides' back, and returns the cookie that stands for it.
func (h *house) expire(t testing.TB, v *visitor) string {
	t.Helper()
	key := v.cookie("sessionid")
	past := time.Now().UTC().Add(-time.Hour)
	switch h.engine.session {
	case "db":
		h.sql(t, "UPDATE django_session SET expire_date = ? WHERE session_key = ?", past.Format(time.DateTime), key)
	case "file":
		past = past.Add(-14 * 24 * time.Hour)
		if err := os.Chtimes(filepath.Join(h.files, "sessionid"+key), past, past); err != nil {
			t.Fatal(err)
		}
	case "signed_cookies":
		return h.aged(t, key)
	case "cache", "cached_db": // the cache's own clock decides
		v.must("/expiry/1")
		time.Sleep(2100 * time.Millisecond)
	default:
		t.Fatalf("how to let a session of engine %s expire is not written yet", h.engine.session)
	}
	return key
}

// aged is the signed cookie as it would be had it been signed fifteen days ago.
func (h *house) aged(t testing.TB, cookie string) string {
	t.Helper()
	options := codec.SignedOptions{Keys: signing.Keys{Secret: h.secret}, Salt: codec.CookieSalt,
		Now: func() time.Time { return time.Now().Add(-15 * 24 * time.Hour) }}
	signed := codec.NewSignedWith(options)
	opened, err := signed.Open([]byte(cookie))
	if err != nil {
		t.Fatal(err)
	}
	old, err := signed.Encode(opened.Data)
	if err != nil {
		t.Fatal(err)
	}
	return string(old)
}

// weakHash is a password as Django kept it long ago, of few iterations.
func weakHash(t testing.TB, password string) string {
	t.Helper()
	const salt, iterations = "seasaltseasaltseasalt", 1000
	digest, err := pbkdf2.Key(sha256.New, password, []byte(salt), iterations, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("pbkdf2_sha256$%d$%s$%s", iterations, salt, base64.StdEncoding.EncodeToString(digest))
}

// sessionLine is the answer's Set-Cookie line of the session, of which there must be one.
func sessionLine(t testing.TB, res *http.Response) string {
	t.Helper()
	var lines []string
	for _, line := range res.Header["Set-Cookie"] {
		if !strings.HasPrefix(line, "csrftoken=") && !strings.HasPrefix(line, "coatcheck_known=") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 {
		t.Fatalf("%s %s: %s with session cookies %q, want one", res.Request.Method, res.Request.URL.Path, res.Status, lines)
	}
	return lines[0]
}
