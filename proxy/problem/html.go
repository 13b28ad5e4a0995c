package problem

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"
)

//go:embed problem.html
var source string

var (
	pageTemplate = template.Must(template.New("problem").Parse(source))
	policy       = contentPolicy(source)
)

// contentPolicy allows the page's one style element by its hash and nothing else (ASVS 3.4.3).
func contentPolicy(html string) string {
	_, rest, _ := strings.Cut(html, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (p page) html() []byte {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		return []byte("<!doctype html><title>Error</title>") // cannot happen: the template reads plain fields
	}
	return body.Bytes()
}
