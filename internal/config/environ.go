package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const envPrefix = "COATCHECK_"

// EnvName is the environment variable of a key: session.cookie_age → COATCHECK_SESSION_COOKIE_AGE.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// variable is an environment variable that we know.
type variable struct {
	name, key string
	field     field
}

// variables lists one variable for each key and for each section (whose text is YAML), sections before their keys.
func variables(fields []field, path string) []variable {
	var list []variable
	for _, f := range fields {
		key := join(path, f.name)
		list = append(list, variable{EnvName(key), key, f})
		if f.kind == kindSection {
			list = append(list, variables(f.fields, key)...)
		}
	}
	return list
}

// Kubernetes sets these in every pod for a service called coatcheck, or coatcheck-…; they are not meant for us.
var (
	clusterName  = regexp.MustCompile(`^COATCHECK_([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)
	clusterValue = regexp.MustCompile(`^(tcp|udp|sctp)://[0-9a-fA-F.:\[\]]+$`)
)

func ofCluster(name, value string) bool {
	return clusterName.MatchString(name) || strings.HasSuffix(name, "_PORT") && clusterValue.MatchString(value)
}

// readEnviron reads the COATCHECK_ variables of environ ("NAME=value"). An empty one counts as not set.
func readEnviron(environ []string, origins map[string]origin) (map[string]any, Problems) {
	known := variables(table(), "")
	given := map[string]string{}
	var problems Problems
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || value == "" || ofCluster(name, value) {
			continue
		}
		if !slices.ContainsFunc(known, func(v variable) bool { return v.name == name }) {
			problems = append(problems, Problem{Source: keyText(name), Text: "unknown environment variable", Nearest: nearestVariable(known, name)})
			continue
		}
		given[name] = value
	}
	tree := map[string]any{}
	for _, v := range known {
		if text, ok := given[v.name]; ok {
			problems = append(problems, put(tree, v.field, v.key, text, v.name, origins)...)
		}
	}
	return tree, problems
}

func nearestVariable(known []variable, name string) string {
	list := make([]string, len(known))
	for i, v := range known {
		list[i] = strings.TrimPrefix(v.name, envPrefix)
	}
	if n := nearest(strings.TrimPrefix(name, envPrefix), list); n != "" {
		return envPrefix + n
	}
	return ""
}

// put reads a text that stands outside of a file and sets it in the tree under its dotted key.
func put(tree map[string]any, f field, key, text, source string, origins map[string]origin) Problems {
	r := &reader{source: source, origins: origins}
	node, bad := textNode(f, text)
	if bad != nil {
		r.bad(key, 0, "", "%s", bad.text)
		return r.problems
	}
	value, ok := r.value(f, key, node)
	if !ok {
		return r.problems
	}
	at := tree
	parts := strings.Split(key, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[part] = next
		}
		at = next
	}
	at[parts[len(parts)-1]] = value
	return r.problems
}

// textNode: scalars are taken as they are, lists are comma separated, everything with keys is YAML (so also JSON).
func textNode(f field, text string) (*yaml.Node, *syntaxError) {
	scalar := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: 1}
	if invalidUTF8([]byte(text)) > 0 {
		return nil, &syntaxError{1, "is not UTF-8 text"}
	}
	switch f.kind {
	case kindSection, kindSections:
		node, err := parseYAML([]byte(text))
		return cmp.Or(node, scalar), err
	case kindTexts, kindSecrets, kindPrefixes:
	case kindUpstreams:
		if !strings.Contains(text, ",") {
			return scalar, nil
		}
	case kindFormats:
		if text == "auto" {
			return scalar, nil
		}
	default:
		return scalar, nil
	}
	if strings.HasPrefix(text, "[") && f.kind != kindSecrets {
		node, err := parseYAML([]byte(text))
		return cmp.Or(node, scalar), err
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Line: 1}
	for item := range strings.SplitSeq(text, ",") {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(item), Line: 1})
	}
	return list, nil
}
