// Package docs tests what the project's pages name: links, commands, keys, variables, metrics.
package docs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"coatcheck/cmd"
	"coatcheck/internal/config"
)

// page is a Markdown file; code are its fenced and indented blocks, prose is the rest.
type page struct {
	path  string // from the root of the repository
	prose string
	code  []block
}

type block struct {
	language string // of a fence; empty: none, or indented
	text     string
}

const root = ".."

// pages are all of the repository's.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "node_modules", "dist"}, name)):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		all = append(all, split(path, string(text)))
		return err
	})
	if err != nil || len(all) < 10 {
		t.Fatalf("%d pages, %v", len(all), err)
	}
	return all
}

func split(path, text string) page {
	p := page{path: path}
	fence, indented := false, false
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			fence = !fence
			if fence {
				p.code = append(p.code, block{language: strings.TrimPrefix(trimmed, "```")})
			}
			continue
		case fence:
			p.code[len(p.code)-1].text += line
			continue
		case strings.HasPrefix(line, "    ") && (indented || strings.HasSuffix(p.prose, "\n\n")):
			if !indented {
				p.code = append(p.code, block{})
			}
			indented = true
			p.code[len(p.code)-1].text += line[4:]
			continue
		case trimmed != "":
			indented = false
		}
		p.prose += line
	}
	return p
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeSpan  = regexp.MustCompile("`[^`\n]+`")
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	headLink  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	noAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	https     = regexp.MustCompile(`^https://[a-z0-9.-]+\.[a-z]{2,}(:\d+)?(/\S*)?$`)
	invoked   = regexp.MustCompile(`(?m)(?:^|[ |;&(])(?:\./)?coatcheck ([a-z-][^|<>;&#)\n]*)`)
	variable  = regexp.MustCompile(`\bCOATCHECK_[A-Z0-9_]+`)
	metric    = regexp.MustCompile(`\bcoatcheck_[a-z0-9_]+`)
	histogram = regexp.MustCompile(`_(count|sum|bucket)$`)
)

// anchors are those that a forge makes of the headings.
func (p page) anchors() []string {
	var list []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(p.prose, -1) {
		text := strings.ReplaceAll(headLink.ReplaceAllString(m[1], "$1"), "`", "")
		anchor := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), ""), " ", "-")
		if n := seen[anchor]; n > 0 {
			list = append(list, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			list = append(list, anchor)
		}
		seen[anchor]++
	}
	return list
}

func TestLinks(t *testing.T) {
	all := pages(t)
	for _, p := range all {
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(p.prose, ""), -1) {
			if fault := follow(all, p, m[1]); fault != "" {
				t.Errorf("%s: %s %s", p.path, m[1], fault)
			}
		}
	}
}

// follow says what is wrong with a link, without asking the network.
func follow(all []page, from page, target string) string {
	if strings.Contains(target, ":") {
		if !https.MatchString(target) {
			return "is no https address"
		}
		return ""
	}
	path, anchor, _ := strings.Cut(target, "#")
	file := from.path
	if path != "" {
		file = filepath.Join(filepath.Dir(from.path), path)
	}
	if _, err := os.Stat(file); err != nil || strings.HasPrefix(file, "../..") {
		return "does not exist"
	}
	i := slices.IndexFunc(all, func(p page) bool { return p.path == file })
	if anchor != "" && (i < 0 || !slices.Contains(all[i].anchors(), anchor)) {
		return "has no such heading"
	}
	return ""
}

// Every page in docs/ and every guide can be found from the index.
func TestIndexIsWhole(t *testing.T) {
	index, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.md", "../deploy/guides/*.md"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			if file != "README.md" && !strings.Contains(string(index), "]("+file+")") {
				t.Errorf("docs/README.md does not name %s", file)
			}
		}
	}
}

// Every command line names a command that there is, with flags that it has.
func TestCommands(t *testing.T) {
	known := map[string]string{}
	for _, p := range pages(t) {
		lines := codeSpan.FindAllString(p.prose, -1)
		for i, span := range lines {
			lines[i] = strings.Trim(span, "`")
		}
		for _, b := range p.code {
			if slices.Contains([]string{"", "sh"}, b.language) {
				lines = append(lines, b.text)
			}
		}
		for _, m := range invoked.FindAllStringSubmatch(strings.Join(lines, "\n"), -1) {
			fault, done := known[m[1]]
			if !done {
				fault = try(t, strings.Fields(m[1]))
				known[m[1]] = fault
			}
			if fault != "" {
				t.Errorf("%s: coatcheck %s: %s", p.path, m[1], fault)
			}
		}
	}
	if len(known) < 10 {
		t.Errorf("only %d command lines were found", len(known))
	}
}

func try(t *testing.T, args []string) string {
	var out bytes.Buffer
	if code := cmd.Run(t.Context(), cmd.Process{Args: append(args, "--help"), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}); code != 0 {
		return strings.TrimSpace(out.String())
	}
	// A group answers --help whatever follows its name.
	group := regexp.MustCompile(`(?m)^  coatcheck( .*)?\[command\]$`).FindStringSubmatch(out.String())
	if group == nil {
		return ""
	}
	if rest := args[len(strings.Fields(group[1])):]; len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return "there is no such command"
	}
	return ""
}

// Every YAML block is a configuration, or a part of one. The files that it names need not be there.
func TestConfigurations(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.code {
			if b.language != "yaml" {
				continue
			}
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := config.Load(config.Options{Path: file})
			var problems config.Problems
			if err != nil && !errors.As(err, &problems) {
				t.Fatal(err)
			}
			for _, problem := range problems {
				if !strings.Contains(problem.Text, "does not exist") && !strings.Contains(problem.Text, "cannot be read") {
					t.Errorf("%s: %s\n%s", p.path, problem, b.text)
				}
			}
		}
	}
}

func TestVariables(t *testing.T) {
	known := map[string]bool{}
	for _, key := range config.Keys() {
		for ; key != ""; key = key[:max(strings.LastIndexByte(key, '.'), 0)] {
			known[config.EnvName(key)] = true
		}
	}
	for _, p := range pages(t) {
		for _, name := range variable.FindAllString(p.whole(), -1) {
			if !known[name] && !strings.HasPrefix(name, "COATCHECK_TEST_") && name != "COATCHECK_SECTION_KEY" {
				t.Errorf("%s: %s is the variable of no key", p.path, name)
			}
		}
	}
}

// Every name that begins as our metrics do is one, or a table of ours; every metric is told of in operations.md.
func TestMetrics(t *testing.T) {
	metrics, others := names(t, "internal/metrics"), append(names(t, "sessionstore", "auth", "internal/schema", "internal/lease", "internal/tlsconf"), "coatcheck_sessionid") // a cookie in a guide
	for _, p := range pages(t) {
		for _, name := range metric.FindAllString(p.whole(), -1) {
			base := histogram.ReplaceAllString(name, "")
			family := strings.HasSuffix(name, "_") && slices.ContainsFunc(append(metrics, others...), func(full string) bool { return strings.HasPrefix(full, name) })
			if !slices.Contains(metrics, base) && !slices.Contains(others, name) && !family {
				t.Errorf("%s: there is no %s", p.path, name)
			}
		}
		for _, name := range metrics {
			if p.path == "../docs/operations.md" && !strings.Contains(p.prose, name) {
				t.Errorf("operations.md does not tell of %s", name)
			}
		}
	}
}

var quotedName = regexp.MustCompile(`["\x60 ](coatcheck_[a-z0-9_]+)`)

// names are the texts that begin with coatcheck_ in the source of the folders.
func names(t *testing.T, folders ...string) []string {
	t.Helper()
	var list []string
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range quotedName.FindAllStringSubmatch(string(text), -1) {
				list = append(list, m[1])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func (p page) whole() string {
	text := p.prose
	for _, b := range p.code {
		text += b.text
	}
	return text
}

// The keys that the reference calls fixed until the next start are those that a reload keeps.
func TestKeysOfTheNextStart(t *testing.T) {
	reference, err := os.ReadFile("configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("../cmd/reload.go")
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile("(?m)^\\| `([a-z_.]+)`.*\\| (?:no: )?[^|]*at the next start \\|$").FindAllStringSubmatch(string(reference), -1)
	for _, m := range marked {
		section, _, _ := strings.Cut(m[1], ".")
		if !bytes.Contains(source, []byte(`"`+m[1]+`"`)) && !bytes.Contains(source, []byte(`"`+section+`"`)) {
			t.Errorf("%s changes at the next start only, says the reference, and a reload does not keep it", m[1])
		}
	}
	for _, kept := range regexp.MustCompile(`(?m)^\t+\{"([a-z_.]+)", &cfg|"key", "([a-z_.]+)"\)$`).FindAllStringSubmatch(string(source), -1) {
		key := kept[1] + kept[2]
		if !slices.ContainsFunc(marked, func(m []string) bool { return m[1] == key || strings.HasPrefix(m[1], key+".") }) {
			t.Errorf("a reload keeps %s, and the reference does not say so", key)
		}
	}
}
