package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const commentColumn = 40 // where the comments of config show and config.yaml.example begin

// Effective is the configuration as YAML, every key with what it means, secrets masked. Without secrets, [Load] reads it back.
func (c Config) Effective() string {
	if c.short {
		c.Routes = nil
	}
	var p printer
	p.section(table(), reflect.ValueOf(c), "")
	return p.String()
}

// Example is config.yaml.example: every key with its default.
func Example() string {
	cfg, _ := Load(Options{}) // the defaults have no problems: a test says so
	cfg.Routes = nil
	p := printer{samples: true}
	p.WriteString(exampleHead)
	p.section(table(), reflect.ValueOf(cfg), "")
	return p.String()
}

const exampleHead = `# Every key of coatcheck with its default. Write down only what you change.
# Every key can be given by environment, too: session.cookie_age is COATCHECK_SESSION_COOKIE_AGE, lists are comma separated.
# Durations are 90s, 15m, 12h, 14d or a number of seconds. A file that holds a secret may be open to nobody but its owner.

`

// printer writes a struct as commented YAML, by the table of keys.
type printer struct {
	bytes.Buffer
	samples bool
}

func (p *printer) section(fields []field, v reflect.Value, indent string) {
	for _, f := range fields {
		value := member(v, f.name)
		switch {
		case f.kind == kindSection:
			if indent == "" {
				fmt.Fprintf(p, "\n")
			}
			p.line(indent+f.name+":", f.doc)
			p.section(f.fields, value, indent+"  ")
		case f.kind == kindSections && value.Len() > 0:
			p.line(indent+f.name+":", f.doc)
			for i := range value.Len() {
				p.item(f.fields, value.Index(i), indent+"  ")
			}
		default:
			p.line(indent+f.name+": "+text(f, value), f.doc)
			if p.samples && f.sample != "" {
				p.WriteString("# " + strings.ReplaceAll(strings.TrimSuffix(f.sample, "\n"), "\n", "\n# ") + "\n")
			}
		}
	}
}

// item writes one element of a list: its first key stands behind the dash.
func (p *printer) item(fields []field, v reflect.Value, indent string) {
	inner := printer{}
	inner.section(fields, v, indent+"  ")
	lines := inner.String()
	p.WriteString(indent + "- " + lines[len(indent)+2:])
}

func (p *printer) line(keyAndValue, doc string) {
	fmt.Fprintf(p, "%-*s # %s\n", commentColumn, keyAndValue, doc)
}

// member finds the struct's field by its tag; the zero Value for keys that have none yet.
func member(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("mapstructure") == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// text is a value on one line, as YAML.
func text(f field, v reflect.Value) string {
	if !v.IsValid() {
		return f.initial
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return durationText(value)
	case Secret:
		return scalar(value.String())
	case Formats:
		if len(value) == 0 {
			return "auto"
		}
		return flow(value)
	case Upstreams:
		if len(value) == 1 {
			return scalar(value[0])
		} else if len(value) == 0 {
			return `""`
		}
		return flow(value)
	case []Secret:
		return flow(value)
	case []netip.Prefix:
		return flow(value)
	case []string:
		return flow(value)
	case string:
		return scalar(value)
	}
	if f.kind == kindSections {
		return "[]"
	}
	return fmt.Sprint(v.Interface())
}

func flow[T any](list []T) string {
	parts := make([]string, len(list))
	for i, item := range list {
		parts[i] = scalar(fmt.Sprint(item))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// scalar leaves words alone and quotes the rest: a quoted string is the same in YAML and JSON, up to what is escaped.
func scalar(s string) string {
	plain := s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./") == ""
	if _, err := strconv.ParseFloat(s, 64); plain && err != nil && !reserved(s) && s[0] != '-' && s[0] != '.' {
		return s
	}
	return quote(s)
}

// reserved: words that YAML readers take for something else than text.
func reserved(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "y", "n", "none":
		return true
	}
	return s[0] >= '0' && s[0] <= '9'
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case control(r) || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
