// Package look is how our pages look: the one style sheet, the accent colour, and the templates, ours or an operator's.
package look

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

//go:embed templates
var files embed.FS

// Options are what an operator may change.
type Options struct {
	Title string // of the site
	// Accent is a colour, "#rrggbb" or "#rgb"; empty: ours. One that cannot be read is refused.
	Accent string
	// Templates is a folder whose files replace ours of the same name; empty: none.
	Templates string
}

// Look is one look. It never changes.
type Look struct {
	Title string
	// Style is the style sheet, of all pages.
	Style string
	// Problem is the page of error answers, with the style sheet in it, and Policy the Content-Security-Policy that allows
	// that style sheet by its hash and nothing else (ASVS 3.4.3).
	Problem *template.Template
	Policy  string

	own fs.FS // nil: none
}

// Default is the look of an unconfigured program.
var Default = sync.OnceValue(func() *Look {
	l, err := New(Options{})
	if err != nil {
		panic(err) // a test has made it
	}
	return l
})

// New returns the look that o describes. Every template is parsed, so that a fault in one is told now.
func New(o Options) (*Look, error) {
	l := &Look{Title: o.Title}
	if o.Templates != "" {
		l.own = os.DirFS(o.Templates)
		if err := l.checkFolder(o.Templates); err != nil {
			return nil, fmt.Errorf("login.templates: %w", err)
		}
	}
	style, err := l.File("style.css")
	if err != nil {
		return nil, err
	}
	if l.Style, err = withAccent(string(style), o.Accent); err != nil {
		return nil, fmt.Errorf("login.accent: %w", err)
	}
	l.Policy = contentPolicy(l.Style)
	l.Problem, err = l.parse("problem.html")
	return l, err
}

func contentPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'"
}

// checkFolder refuses a file that replaces nothing: it is a typing mistake, and would be left out in silence.
func (l *Look) checkFolder(folder string) error {
	found, err := fs.ReadDir(l.own, ".")
	if err != nil {
		return err
	}
	ours, err := Names()
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range found {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if !slices.Contains(ours, entry.Name()) {
			errs = append(errs, fmt.Errorf("%s replaces nothing; there are %s", filepath.Join(folder, entry.Name()), strings.Join(ours, ", ")))
		}
	}
	return errors.Join(errs...)
}

// Names are the files that there are.
func Names() ([]string, error) {
	entries, err := files.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read embedded templates: %w", err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, nil
}

// File is a file of the operator's, otherwise ours.
func (l *Look) File(name string) ([]byte, error) {
	if l.own != nil {
		data, err := fs.ReadFile(l.own, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	data, err := files.ReadFile("templates/" + name)
	if err != nil {
		return nil, fmt.Errorf("read embedded %s: %w", name, err)
	}
	return data, nil
}

// Page parses the template of this name within the layout. An error names file and line.
func (l *Look) Page(name string) (*template.Template, error) {
	return l.parse("layout.html", name+".html")
}

func (l *Look) parse(names ...string) (*template.Template, error) {
	page := template.New(names[0])
	for _, name := range names {
		data, err := l.File(name)
		if err != nil {
			return nil, err
		}
		t := page
		if name != names[0] {
			t = page.New(name)
		}
		if _, err := t.Parse(string(data)); err != nil {
			return nil, fmt.Errorf("login.templates: parse %s: %w", name, err)
		}
	}
	return page, nil
}
