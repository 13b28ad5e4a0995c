package problem

import (
	"bytes"
	"fmt"
	"html/template"
	"io"

	"coatcheck/proxy/look"
	"coatcheck/proxy/wording"
)

// Say is a text of the catalogue, for the template.
func (p page) Say(key string) string {
	return p.Words.Say(key, wording.Values{"status": p.Status, "id": p.RequestID})
}

// Style is the style sheet, which the policy allows by its hash: at an application's address nothing else of ours can be asked for.
func (p page) Style() template.CSS { return template.CSS(p.Look.Style) }

func (p page) html() []byte {
	var body bytes.Buffer
	if err := p.Look.Problem.Execute(&body, p); err != nil {
		return []byte("<!doctype html><title>Error</title>") // cannot happen: the template was tried out
	}
	return body.Bytes()
}

// Check makes a page with the look's own template, so that a fault in an operator's is told at start.
func Check(l *look.Look) error {
	sample := page{Status: 403, Title: "a", Detail: "b", Hint: "c", Link: "/d", LinkText: "e", List: []string{"f"}, Again: true, RequestID: "g", Words: wording.English(), Look: l}
	if err := l.Problem.Execute(io.Discard, sample); err != nil {
		return fmt.Errorf("login.templates: write problem.html: %w", err)
	}
	return nil
}
