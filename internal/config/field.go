package config

import "strings"

// kind is how a key's value is written, and so how it is read, shown and described.
type kind int

const (
	kindText      kind = iota
	kindBool           // true or false
	kindInt            // within low and high
	kindDuration       // time.Duration
	kindChoice         // one of choices, in any case
	kindSecret         // Secret; brings a _file twin
	kindSecrets        // []Secret; brings a _file twin
	kindTexts          // []string
	kindUpstreams      // Upstreams: one text, or a list
	kindFormats        // Formats: auto, or a list
	kindPrefixes       // []netip.Prefix
	kindSection        // keys of its own
	kindSections       // a list of such
)

// field is one key of the contract: all that is known about it.
type field struct {
	name      string
	kind      kind
	initial   string                  // the default, as YAML
	choices   []string                // kindChoice: as they are written; the first spelling counts
	low, high int64                   // kindInt
	check     func(text string) error // of one text, item or secret; the error continues `"value" …` and never repeats a value
	doc       string                  // one line: config.yaml.example, config show and config schema say it
	fields    []field                 // kindSection, kindSections
	sample    string                  // comment lines below the key in config.yaml.example
	atStart   string                  // what of a change waits for the next start; empty: a reload does it all
	since     string                  // the version that brought the key; empty: the first
}

// holdsSecret: the value is never shown.
func (f field) holdsSecret() bool {
	return f.kind == kindSecret || f.kind == kindSecrets
}

// withTwins adds to every secret the key that names a file holding it (ASVS 13.3.2).
func withTwins(fields []field) []field {
	var all []field
	for _, f := range fields {
		f.fields = withTwins(f.fields)
		all = append(all, f)
		switch f.kind {
		case kindSecret:
			all = append(all, field{name: f.name + "_file", doc: "a file that holds " + f.name + "; mode 0600", initial: `""`})
		case kindSecrets:
			all = append(all, field{name: f.name + "_file", doc: "a file that holds " + f.name + ", one a line; mode 0600", initial: `""`})
		}
	}
	return all
}

// leaves calls fn for every key that has a value of its own, with its path from the root. Lists of sections are leaves.
func leaves(fields []field, path string, fn func(key string, f field)) {
	for _, f := range fields {
		if f.kind == kindSection {
			leaves(f.fields, join(path, f.name), fn)
			continue
		}
		fn(join(path, f.name), f)
	}
}

// Keys is every key outside of lists, in the order of the documentation: listen, …, session.cookie_age, ….
func Keys() []string {
	var keys []string
	leaves(table(), "", func(key string, _ field) { keys = append(keys, key) })
	return keys
}

func find(fields []field, key string) (field, bool) {
	name, rest, deeper := strings.Cut(key, ".")
	for _, f := range fields {
		if f.name != name {
			continue
		}
		if deeper {
			return find(f.fields, rest)
		}
		return f, true
	}
	return field{}, false
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
