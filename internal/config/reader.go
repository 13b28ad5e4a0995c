package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// origin is where a value was written.
type origin struct {
	source string
	line   int
	text   string // as a message shows it; empty for secrets
}

// reader turns YAML into a tree of typed values by the table of keys, and notes a problem for everything that does not fit.
// What does not fit is left out of the tree, so that one mistake is reported once.
type reader struct {
	source   string // file, environment variable or flag
	inFile   bool   // lines mean something
	problems Problems
	origins  map[string]origin
}

func (r *reader) bad(key string, line int, value, format string, args ...any) {
	p := Problem{Key: key, Source: r.source, Value: value, Text: fmt.Sprintf(format, args...)}
	if r.inFile {
		p.Line = line
	}
	r.problems = append(r.problems, p)
}

func (r *reader) note(key string, n *yaml.Node, f field) {
	o := origin{source: r.source}
	if r.inFile {
		o.line = n.Line
	}
	if n.Kind == yaml.ScalarNode && !f.holdsSecret() {
		o.text = shown(n.Value)
	}
	r.origins[key] = o
}

// plain refuses what YAML can do beyond mappings, lists and scalars. Aliases can be bombs, and a secret that begins with *,
// & or ! would silently be another one.
func (r *reader) plain(key string, n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.bad(key, n.Line, "", "begins with *, a YAML alias, which is not supported; put such a value in quotes")
	case n.Anchor != "":
		r.bad(key, n.Line, "", "begins with &, a YAML anchor, which is not supported; put such a value in quotes")
	case n.Style&yaml.TaggedStyle != 0:
		r.bad(key, n.Line, "", "begins with !, a YAML tag, which is not supported; put such a value in quotes")
	case strings.Count(key, ".")+strings.Count(key, "[") > deepest:
		r.bad(key, n.Line, "", "is nested too deeply")
	default:
		return true
	}
	return false
}

// section reads a mapping whose keys are the fields.
func (r *reader) section(fields []field, path string, n *yaml.Node) (map[string]any, bool) {
	if !r.plain(path, n) {
		return nil, false
	}
	tree := map[string]any{}
	if empty(n) {
		return tree, true
	}
	if n.Kind != yaml.MappingNode {
		r.bad(path, n.Line, "", "must hold keys: %s", strings.Join(names(fields), ", "))
		return nil, false
	}
	r.note(path, n, field{kind: kindSection})
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if r.unique(path, name, first) {
			r.entry(fields, path, name, value, tree)
		}
	}
	return tree, true
}

func (r *reader) unique(path string, name *yaml.Node, first map[string]int) bool {
	if name.Kind != yaml.ScalarNode {
		r.bad(path, name.Line, "", "holds a key that is no word")
		return false
	}
	if line, again := first[name.Value]; again {
		r.bad(join(path, keyText(name.Value)), name.Line, "", "is given twice, first on line %d; keep one", line)
		return false
	}
	first[name.Value] = name.Line
	return true
}

func (r *reader) entry(fields []field, path string, name, value *yaml.Node, tree map[string]any) {
	for _, f := range fields {
		if f.name != name.Value {
			continue
		}
		if v, ok := r.value(f, join(path, f.name), value); ok {
			tree[f.name] = v
		}
		return
	}
	p := Problem{Key: join(path, keyText(name.Value)), Source: r.source, Text: "unknown key", Nearest: nearestKey(fields, path, name.Value)}
	if r.inFile {
		p.Line = name.Line
	}
	r.problems = append(r.problems, p)
}

// keyText shows a key that is not ours.
func keyText(name string) string {
	if len(name) > 0 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" && len(name) <= shownValue {
		return name
	}
	return shown(name)
}

// value reads one key's value. A key without one is a mistake where a list or text was meant: "users:" with every line
// below it commented out must not open a route.
func (r *reader) value(f field, key string, n *yaml.Node) (any, bool) {
	if !r.plain(key, n) {
		return nil, false
	}
	if empty(n) && f.kind != kindSection {
		r.bad(key, n.Line, "", "has no value; write one or remove the key")
		return nil, false
	}
	r.note(key, n, f)
	return r.typed(f, key, n)
}

func (r *reader) typed(f field, key string, n *yaml.Node) (any, bool) {
	switch f.kind {
	case kindSection:
		return r.section(f.fields, key, n)
	case kindSections:
		return r.sections(f, key, n)
	case kindTexts, kindSecrets, kindPrefixes:
		return r.list(f, key, n)
	case kindUpstreams, kindFormats:
		if n.Kind == yaml.SequenceNode {
			return r.list(f, key, n)
		}
	}
	if n.Kind != yaml.ScalarNode {
		r.bad(key, n.Line, "", "must be %s", f.expects())
		return nil, false
	}
	v, err := f.parse(n.Value)
	if err != nil {
		r.bad(key, n.Line, r.origins[key].text, "%v", err)
		return nil, false
	}
	return v, true
}

func (r *reader) sections(f field, key string, n *yaml.Node) (any, bool) {
	if n.Kind != yaml.SequenceNode {
		r.bad(key, n.Line, "", "must be a list: lines that begin with -")
		return nil, false
	}
	list := []any{}
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		tree := map[string]any{} // also for a bad item: the others keep their numbers
		if empty(item) {
			r.bad(at, item.Line, "", "is empty")
		} else if read, ok := r.section(f.fields, at, item); ok {
			tree = read
		}
		list = append(list, tree)
	}
	return list, true
}

// list reads a list of scalars, each as its kind and check say.
func (r *reader) list(f field, key string, n *yaml.Node) (any, bool) {
	if n.Kind != yaml.SequenceNode {
		r.bad(key, n.Line, r.origins[key].text, "must be a list: write [a, b], or lines that begin with -")
		return nil, false
	}
	var items []string
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", key, i)
		if !r.plain(at, item) {
			continue
		}
		if item.Kind != yaml.ScalarNode || empty(item) {
			r.bad(at, item.Line, "", "must be a text")
			continue
		}
		if err := f.checkItem(item.Value); err != nil {
			r.note(at, item, f)
			r.bad(at, item.Line, r.origins[at].text, "%v", err)
			continue
		}
		items = append(items, item.Value)
	}
	return f.gather(items), true
}

// empty: nothing stands behind the colon, or ~ or null.
func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
