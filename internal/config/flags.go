package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Flag is a flag of serve that stands for a key.
type Flag struct {
	Name  string // --data-dir without the dashes
	Key   string
	Usage string
}

// ServeFlags lists the flags that stand for keys. The command line never takes a secret (ASVS 13.3.2), so there is no way
// to make one of every key.
func ServeFlags() []Flag {
	var list []Flag
	for _, key := range []string{"listen", "upstream", "data_dir"} {
		f, _ := find(table(), key)
		list = append(list, Flag{Name: flagName(key), Key: key, Usage: f.doc})
	}
	return list
}

// FlagValues turns the flags that were given, by name, into [Options] Flags. Flags that stand for no key are left out.
func FlagValues(given map[string]string) map[string]any {
	values := map[string]any{}
	for _, f := range ServeFlags() {
		if text, ok := given[f.Name]; ok {
			values[f.Key] = text
		}
	}
	return values
}

func flagName(key string) string { return strings.NewReplacer("_", "-", ".", "-").Replace(key) }

func readFlags(flags map[string]any, origins map[string]origin) (map[string]any, Problems) {
	tree := map[string]any{}
	var problems Problems
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		source := "--" + flagName(key)
		f, ok := find(table(), key)
		if !ok {
			problems = append(problems, Problem{Key: key, Source: source, Text: "unknown key", Nearest: nearestKey(table(), "", key)})
			continue
		}
		problems = append(problems, put(tree, f, key, fmt.Sprint(flags[key]), source, origins)...)
	}
	return tree, problems
}
