package userdb

import (
	"fmt"
	"slices"
	"strings"

	"coatcheck/internal/sqlconn"
)

// statement is a configured SELECT whose named placeholders became the dialect's.
type statement struct {
	text  string
	names []string // of the parameters, in order; a name used twice is there twice
}

// args puts the values in the order of the placeholders.
func (s *statement) args(values map[string]any) []any {
	args := make([]any, len(s.names))
	for i, name := range s.names {
		args[i] = values[name]
	}
	return args
}

// compile replaces :name by the dialect's placeholders; quoted text, comments and PostgreSQL's :: are left alone.
func compile(dialect sqlconn.Dialect, key, text string, allowed ...string) (*statement, error) {
	s := &statement{}
	var out strings.Builder
	for i := 0; i < len(text); {
		if n := literal(text[i:]); n > 0 {
			out.WriteString(text[i : i+n])
			i += n
			continue
		}
		name := placeholder(text[i:])
		if name == "" {
			out.WriteByte(text[i])
			i++
			continue
		}
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("%s: unknown placeholder :%s; known: :%s", key, name, strings.Join(allowed, ", :"))
		}
		s.names = append(s.names, name)
		out.WriteString(dialect.Placeholder(len(s.names)))
		i += 1 + len(name)
	}
	if len(s.names) == 0 {
		return nil, fmt.Errorf("%s: no placeholder; write :%s where the value belongs", key, strings.Join(allowed, " or :"))
	}
	s.text = strings.TrimRight(strings.TrimSpace(out.String()), ";")
	if word := strings.ToLower(strings.Fields(s.text)[0]); word != "select" && word != "with" {
		return nil, fmt.Errorf("%s: is no SELECT", key)
	}
	return s, nil
}

// literal is the length of the quoted text, the comment or the :: that text begins with, else 0.
func literal(text string) int {
	for _, pair := range [][2]string{{"'", "'"}, {`"`, `"`}, {"`", "`"}, {"--", "\n"}, {"/*", "*/"}, {"::", ""}} {
		if !strings.HasPrefix(text, pair[0]) {
			continue
		}
		end := strings.Index(text[len(pair[0]):], pair[1])
		if end < 0 {
			return len(text)
		}
		return len(pair[0]) + end + len(pair[1])
	}
	return 0
}

// placeholder is the name of the placeholder that text begins with, without its colon.
func placeholder(text string) string {
	if text[0] != ':' {
		return ""
	}
	end := 1
	for end < len(text) && (text[end] == '_' || 'a' <= text[end]|0x20 && text[end]|0x20 <= 'z') {
		end++
	}
	return text[1:end]
}
