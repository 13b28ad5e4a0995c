package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expects names what a scalar key takes, for messages.
func (f field) expects() string {
	switch f.kind {
	case kindBool:
		return "true or false"
	case kindInt:
		return fmt.Sprintf("a whole number from %d to %d", f.low, f.high)
	case kindDuration:
		return "a duration: 90s, 15m, 12h, 14d, or a number of seconds"
	case kindChoice:
		return alternatives(f.choices)
	case kindFormats:
		return "auto or a list of " + strings.Join(f.choices, ", ")
	case kindUpstreams:
		return "a URL"
	default:
		return "one text, without further keys or lists"
	}
}

func alternatives(choices []string) string {
	list := slices.Clone(choices)
	for i, c := range list {
		if c == "" {
			list[i] = `""`
		}
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " or " + list[last]
}

// parse reads a scalar. Errors continue `"value" …`.
func (f field) parse(text string) (any, error) {
	switch f.kind {
	case kindBool:
		return parseBool(text)
	case kindInt:
		return f.parseInt(text)
	case kindDuration:
		return parseDuration(text)
	case kindChoice:
		return f.parseChoice(text)
	case kindFormats:
		if text == "auto" {
			return Formats(nil), nil
		}
		return nil, errors.New("must be " + f.expects())
	}
	if err := f.checkItem(text); err != nil {
		return nil, err
	}
	switch f.kind {
	case kindSecret:
		return NewSecret(text), nil
	case kindUpstreams:
		return f.gather([]string{text}), nil
	}
	return text, nil
}

// parseBool takes YAML's words of both versions, and 1 and 0, which environments like.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, errors.New("must be true or false")
}

func (f field) parseInt(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < f.low || n > f.high {
		return 0, errors.New("must be " + f.expects())
	}
	return int(n), nil
}

func (f field) parseChoice(text string) (string, error) {
	for _, c := range f.choices {
		if strings.EqualFold(c, text) {
			return c, nil
		}
	}
	err := "is not allowed: use " + alternatives(f.choices)
	if n := nearest(text, f.choices); n != "" {
		err += "; did you mean " + n + "?"
	}
	return "", errors.New(err)
}

// checkItem checks one text, or one item of a list.
func (f field) checkItem(text string) error {
	switch {
	case f.kind == kindPrefixes:
		_, err := parsePrefix(text)
		return err
	case f.kind == kindFormats:
		_, err := field{choices: f.choices}.parseChoice(text)
		return err
	case f.kind == kindSecrets && text == "":
		return errors.New("is empty")
	case f.holdsSecret() && text == masked:
		return errors.New("is the mask that config show prints, which everybody knows; write the secret itself or use its _file key")
	case strings.ContainsRune(text, 0):
		return errors.New("holds a NUL character")
	case f.check != nil && (f.kind != kindSecret || text != ""):
		return f.check(text)
	}
	return nil
}

// gather makes a list of the field's type out of items that have passed checkItem.
func (f field) gather(items []string) any {
	switch f.kind {
	case kindSecrets:
		var list []Secret
		for _, s := range items {
			list = append(list, NewSecret(s))
		}
		return list
	case kindPrefixes:
		var list []netip.Prefix
		for _, s := range items {
			prefix, _ := parsePrefix(s)
			list = append(list, prefix)
		}
		return list
	case kindFormats:
		return Formats(items)
	case kindUpstreams:
		return Upstreams(slices.DeleteFunc(items, func(s string) bool { return s == "" }))
	}
	return items
}

// initially is the default as a value of the field's type; a test proves that every one of them can be read.
func (f field) initially() any {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(f.initial), &node); err != nil || len(node.Content) == 0 {
		return nil
	}
	r := &reader{origins: map[string]origin{}}
	value, _ := r.typed(f, f.name, node.Content[0])
	return value
}
