package look

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The colours pass WCAG 2.2 AA in both schemes: text 1.4.3, edges of fields and focus 1.4.11.
func TestContrast(t *testing.T) {
	css, err := files.ReadFile("templates/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+);`).FindAllStringSubmatch(text, -1) {
			colour[m[1]] = m[2]
		}
		for _, pair := range []struct {
			front, back string
			min         float64
		}{
			{"ink", "card", 4.5}, {"ink", "paper", 4.5}, {"soft", "card", 4.5}, {"soft", "paper", 4.5}, {"on-accent", "accent", 4.5}, {"accent", "card", 4.5}, {"accent", "paper", 4.5}, {"right", "right-paper", 4.5},
			{"on-accent", "accent-strong", 4.5}, {"wrong", "wrong-paper", 4.5}, {"edge", "card", 3}, {"edge", "paper", 3}, {"accent", "card", 3},
		} {
			if got := contrast(read(t, colour[pair.front]), read(t, colour[pair.back])); got < pair.min {
				t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", scheme, pair.front, pair.back, got, pair.min)
			}
		}
	}
}

func read(t *testing.T, hex string) colour {
	t.Helper()
	c, err := parseColour("#" + hex)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every accent that is taken can be read in both schemes, and what is refused comes with one that is taken.
func TestAccent(t *testing.T) {
	for _, c := range []struct{ accent, wrong string }{
		{"", ""}, {"#3556c4", ""}, {"#000", ""}, {"#0A6E5C", ""}, {"#8b0000", ""},
		{"#ffcc00", "contrast of 1.4 to 1"}, {"#fff", "nearest that passes is #707070"}, {"#7b8290", "take a darker colour"},
		{"blue", "write it as #rrggbb"}, {"#12345", "no colour"}, {"#3556c4;}", "no colour"}, {"#ggg", "no colour"},
	} {
		l, err := New(Options{Accent: c.accent})
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), "login.accent: ") {
				t.Errorf("%q: error %v, want one with %q", c.accent, err, c.wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.accent, err)
			continue
		}
		shades := regexp.MustCompile(`--(accent|on-accent|accent-strong): (#[0-9a-f]+);`).FindAllStringSubmatch(l.Style, -1)
		dark := len(shades) - 3
		for i, paper := range map[int]string{dark - 3: "f5f6f8", dark: "1f2227"} {
			accent, strong, on := read(t, shades[i][2][1:]), read(t, shades[i+1][2][1:]), read(t, shades[i+2][2][1:])
			if got := min(contrast(accent, read(t, paper)), contrast(on, accent), contrast(on, strong)); got < textContrast {
				t.Errorf("%q on %s: %s, %s, %s have a contrast of %.2f", c.accent, paper, accent, strong, on, got)
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	folder := func(files ...string) string {
		dir := t.TempDir()
		for i := 0; i < len(files); i += 2 {
			if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	l, err := New(Options{Templates: folder("style.css", "body { color: red }", "problem.html", "<p>{{.Title}}", ".git", "x")})
	if err != nil {
		t.Fatal(err)
	}
	if l.Style != "body { color: red }" {
		t.Errorf("style %q", l.Style)
	}
	if _, err := l.Page("login"); err != nil {
		t.Errorf("a page that is not replaced: %v", err)
	}
	for _, c := range []struct{ folder, want string }{
		{folder("login.htm", "x"), "login.htm replaces nothing"},
		{folder("problem.html", "a\n\n{{.Title"), "problem.html:3"},
		{filepath.Join(t.TempDir(), "missing"), "login.templates: open"},
	} {
		if _, err := New(Options{Templates: c.folder}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	if l, err = New(Options{Templates: folder("login.html", "{{define \"content\"}}\n{{if}}{{end}}")}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Page("login"); err == nil || !strings.Contains(err.Error(), "login.html:2") {
		t.Errorf("error %v, want file and line", err)
	}
}
