package wording

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

//go:embed languages/*.txt
var files embed.FS

// catalogue is all languages, English first, and the matcher of what a client asks for.
type catalogue struct {
	languages []*Language
	matcher   language.Matcher
}

var loaded = sync.OnceValue(func() catalogue {
	c, err := load(files)
	if err != nil {
		panic(err) // a test has read the same files
	}
	return c
})

func load(files embed.FS) (catalogue, error) {
	entries, err := files.ReadDir("languages")
	if err != nil {
		return catalogue{}, fmt.Errorf("read languages: %w", err)
	}
	english, err := read(files, "en.txt")
	if err != nil {
		return catalogue{}, err
	}
	all := []*Language{english}
	for _, entry := range entries {
		if entry.Name() == "en.txt" {
			continue
		}
		l, err := read(files, entry.Name())
		if err != nil {
			return catalogue{}, err
		}
		l.fallback = english
		all = append(all, l)
	}
	var tags []language.Tag
	for _, l := range all {
		tags = append(tags, l.tag)
	}
	return catalogue{languages: all, matcher: language.NewMatcher(tags)}, nil
}

func read(files embed.FS, name string) (*Language, error) {
	tag, err := language.Parse(strings.TrimSuffix(name, path.Ext(name)))
	if err != nil {
		return nil, fmt.Errorf("language file %s: its name is no language tag: %w", name, err)
	}
	data, err := files.ReadFile("languages/" + name)
	if err != nil {
		return nil, fmt.Errorf("read language file: %w", err)
	}
	texts, err := parse(string(data))
	if err != nil {
		return nil, fmt.Errorf("language file %s: %w", name, err)
	}
	return &Language{tag: tag, texts: texts}, nil
}

// parse reads "key = text" lines; empty ones and those that begin with # are skipped.
func parse(data string) (map[string]string, error) {
	texts := map[string]string{}
	n := 0
	for line := range strings.Lines(data) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, text, found := strings.Cut(line, " = ")
		if _, twice := texts[key]; !found || twice || text == "" {
			return nil, fmt.Errorf("line %d: want a new \"key = text\", got %q", n, line)
		}
		texts[key] = text
	}
	return texts, nil
}
