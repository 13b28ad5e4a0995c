package config

import (
	"fmt"
	"strings"
)

// Reference is docs/configuration.md: every key with its meaning, default, values, environment variable, whether a reload changes it,
// and since when there is one.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	var sections []field
	top := table()
	b.WriteString("## Top level\n\n")
	for _, f := range top {
		if f.kind == kindSection {
			sections = append(sections, f)
		}
	}
	referenceTable(&b, top, "", true)
	b.WriteString("## routes\n\n" + routesText)
	referenceTable(&b, withTwins(routeFields()), "routes[]", false)
	for _, f := range sections {
		fmt.Fprintf(&b, "## %s\n\n%s.\n\n", f.name, sentence(f.doc))
		referenceTable(&b, f.fields, f.name, true)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

const referenceHead = `# Configuration

<!-- Written by "go test ./internal/config -update" from the table of keys in internal/config; do not edit. -->

Every key there is. You need none of them: ` + "`coatcheck serve`" + ` starts with the defaults. Write down only what you change:

` + "```yaml" + `
public_url: https://app.example.com
upstream: http://127.0.0.1:3000
` + "```" + `

    coatcheck config check --config config.yaml     # every mistake at once, with its key and line
    coatcheck config show --config config.yaml      # what is in force, secrets masked
    coatcheck config schema                         # JSON Schema for editors

- **Where a value comes from**: flags win over the environment, that over the file, that over the default.
- **Environment**: the variable stands below each key. An empty one counts as not set. Lists are comma separated; sections and lists of sections are YAML or JSON.
  Unknown variables that begin with ` + "`COATCHECK_`" + ` are an error.
- **Durations** are ` + "`90s`, `15m`, `12h`, `14d`" + ` or a bare number of seconds, as Django writes them.
- **Secrets** have a twin that ends in ` + "`_file`" + ` and names a file that holds the secret. Give one of the two. The file may be open to nobody but its owner.
- **Reload**: after SIGHUP, or a change of the file or of a file that it names, the new configuration is checked as a whole and put in force without
  dropping a request. *yes* means: with the reload. A file with a mistake changes nothing; the log says what is wrong.
- **Since**: a key without a version was there in the first one.

`

const routesText = `A list. The longest path prefix wins, whole segments; hosts are matched first. As a variable the whole list is ` + "`COATCHECK_ROUTES`" + ` (YAML or JSON).
What a route leaves out of ` + "`identity`, `connection`, `fastcgi` and `balance`" + ` it takes from the section of that name.

`

func referenceTable(b *strings.Builder, fields []field, path string, environment bool) {
	b.WriteString("| key | default | values | meaning | reload |\n|---|---|---|---|---|\n")
	referenceRows(b, fields, path, environment)
	b.WriteString("\n")
}

func referenceRows(b *strings.Builder, fields []field, path string, environment bool) {
	for _, f := range fields {
		key := join(path, f.name)
		switch {
		case f.kind == kindSection && path == "": // has a table of its own
			continue
		case f.kind == kindSection && path == "routes[]" && inherited(f.name+"."):
			fmt.Fprintf(b, "| `%s` | | a section | what differs here from [%s](#%s) | yes |\n", f.name, f.name, f.name)
			continue
		case f.kind == kindSection:
			referenceRows(b, f.fields, key, environment)
			continue
		}
		name := "`" + strings.TrimPrefix(key, "routes[].") + "`"
		if environment {
			name += "<br>`" + EnvName(key) + "`"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, cell(f.initialText()), cell(f.values()), f.meaning(), orYes(f.atStart))
	}
}

// values says in words what may be written.
func (f field) values() string {
	switch f.kind {
	case kindBool:
		return "`true`, `false`"
	case kindInt:
		return fmt.Sprintf("%d to %d", f.low, f.high)
	case kindDuration:
		return "a duration"
	case kindChoice:
		return code(f.choices)
	case kindFormats:
		return "`auto`, or a list of " + code(f.choices)
	case kindSecret:
		return "text (secret)"
	case kindSecrets:
		return "a list of texts (secret)"
	case kindTexts:
		return "a list of texts"
	case kindUpstreams:
		return "an address, or a list of them"
	case kindPrefixes:
		return "a list of addresses and networks"
	case kindSections, kindSection:
		return "a list, see the meaning"
	}
	return "text"
}

func (f field) initialText() string {
	if f.initial == "" || f.initial == `""` {
		return "empty"
	}
	return "`" + strings.Trim(f.initial, `"`) + "`"
}

func (f field) meaning() string {
	text := f.doc
	if f.kind == kindUpstreams && f.sample != "" {
		text += ". " + strings.ReplaceAll(strings.TrimSpace(f.sample), "\n", " ")
	}
	if f.since != "" {
		text += " (since " + f.since + ")"
	}
	return cell(text)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s)
}

func code(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "`" + s + "`"
		if s == "" {
			quoted[i] = "empty"
		}
	}
	return strings.Join(quoted, ", ")
}

func orYes(s string) string {
	if s == "" {
		return "yes"
	}
	return s
}
