package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// literals are the string literals of all our Go files but the tests, and those that stand where a problem's texts do.
func literals(t *testing.T) (all, texts map[string]string) {
	t.Helper()
	all, texts = map[string]string{}, map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					all[text] = path
				}
			case *ast.CompositeLit:
				if name, ok := n.Type.(*ast.SelectorExpr); ok && name.Sel.Name == "Problem" {
					problemTexts(n, path, texts)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, texts
}

func problemTexts(n *ast.CompositeLit, path string, texts map[string]string) {
	for _, element := range n.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		switch pair.Key.(*ast.Ident).Name {
		case "Title", "Detail", "Hint", "LinkText":
			ast.Inspect(pair.Value, func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					text, _ := strconv.Unquote(lit.Value)
					texts[text] = path
				}
				return true
			})
		}
	}
}

// What error answers say is in the catalogue; so is what any Go file and any template names that looks like a key of it; and the
// catalogue holds nothing that nobody says.
func TestEveryTextIsInTheCatalogue(t *testing.T) {
	all, texts := literals(t)
	for text, path := range texts {
		if text != "" && !English().Has(text) {
			t.Errorf("%s: an error answer says %q, which is no key of languages/en.txt", path, text)
		}
	}
	said := map[string]bool{}
	for key, path := range templateKeys(t) {
		said[key] = true
		if !English().Has(key) {
			t.Errorf("%s says %q, which is no key of languages/en.txt", path, key)
		}
	}
	prefixes := []string{"month.", "duration.", "ago."}
	for text := range all {
		said[text] = true
		if strings.HasSuffix(text, ".") {
			prefixes = append(prefixes, text)
		}
	}
	for key := range English().texts {
		base, _, _ := strings.Cut(key, "#")
		if said[base] {
			continue
		}
		composed := false
		for _, prefix := range prefixes {
			composed = composed || strings.HasPrefix(base, prefix)
		}
		if !composed {
			t.Errorf("nobody says %s", key)
		}
	}
}

var (
	sayCall  = regexp.MustCompile(`\.(?:Say|With|Mark) "([^"]+)"`)
	action   = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	comment  = regexp.MustCompile(`(?s)<!--.*?-->`)
	tag      = regexp.MustCompile(`(?s)<[^>]*>`)
	readable = regexp.MustCompile(`(?:alt|title|placeholder|aria-label|content)="([^"]*\pL[^"]*)"`)
	letters  = regexp.MustCompile(`\pL`)
)

func templates(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(root + "/proxy/look/templates/*.html")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	found := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = string(data)
	}
	return found
}

func templateKeys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for path, text := range templates(t) {
		for _, call := range sayCall.FindAllStringSubmatch(text, -1) {
			keys[call[1]] = path
		}
	}
	return keys
}

// No template holds text of its own: between tags there are actions alone, and attributes that people read have none either.
func TestTemplatesHoldNoText(t *testing.T) {
	for path, text := range templates(t) {
		text = action.ReplaceAllString(text, "")
		for _, attribute := range readable.FindAllStringSubmatch(text, -1) {
			switch attribute[1] {
			case "width=device-width, initial-scale=1", "light dark", "noindex": // of meta elements
			default:
				t.Errorf("%s: text in the attribute %s", path, attribute[0])
			}
		}
		for line := range strings.Lines(tag.ReplaceAllString(comment.ReplaceAllString(text, ""), "\n")) {
			if letters.MatchString(line) {
				t.Errorf("%s: text of its own: %q", path, line)
			}
		}
	}
}
