package config

import (
	"reflect"
	"regexp"
	"strings"
)

// gap is a value of the contract that this build does not serve. It is refused with a sentence, never silently ignored; a
// default always passes. When the capability arrives, its line goes.
type gap struct {
	key  string                 // of the top level, or routes.x; a * at the end covers all below
	says func(value any) string // empty: this value is served
}

func gaps() []gap {
	return []gap{
		{"tls.storage", other("certificates are kept in files alone in this version; use file (processes that share data_dir/certificates share them)")},
	}
}

var index = regexp.MustCompile(`\[\d+\]`)

// unavailable returns the sentence for a value that this build does not serve, or nothing.
func unavailable(key string, f field, value any) string {
	if f.kind == kindSection || f.kind == kindSections || reflect.DeepEqual(value, f.initially()) {
		return ""
	}
	key = index.ReplaceAllString(key, "")
	for _, g := range gaps() {
		if !g.covers(key) {
			continue
		}
		if text := g.says(value); text != "" {
			return text
		}
	}
	return ""
}

// covers: what a route shares with the top level is missing there, too.
func (g gap) covers(key string) bool {
	if rest, found := strings.CutPrefix(key, "routes."); found && (rest == "upstream" || strings.HasPrefix(rest, "identity.")) {
		key = rest
	}
	prefix, all := strings.CutSuffix(g.key, "*")
	return key == g.key || all && strings.HasPrefix(key, prefix)
}

func other(text string) func(any) string {
	return func(any) string { return text }
}
