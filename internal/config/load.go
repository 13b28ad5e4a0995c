package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// Options says where the configuration comes from. Flags win over the environment, that over the file, that over the defaults.
type Options struct {
	Path    string         // the YAML file; empty: none
	Environ []string       // as os.Environ; only COATCHECK_ variables are looked at
	Flags   map[string]any // by key, as [FlagValues] makes them
}

// Load reads and checks everything. The error is [Problems], every one at once, by line; the Config then holds only Warnings.
func Load(opts Options) (Config, error) {
	l := &loading{viper: viper.New(), origins: map[string]origin{}}
	l.readDefaults()
	l.readLayers(opts)
	l.readTwins()
	l.completeRoutes()
	cfg := l.decode()
	if cfg.Login.Logo != "" {
		l.files = append(l.files, cfg.Login.Logo)
	}
	l.normalize(&cfg)
	l.check(&cfg)
	l.problems.sort()
	l.warnings.sort()
	if len(l.problems) > 0 {
		return Config{Warnings: l.warnings, Files: l.files}, l.problems
	}
	cfg.Warnings, cfg.Files = l.warnings, l.files
	return cfg, nil
}

// loading is one Load on its way.
type loading struct {
	viper    *viper.Viper
	origins  map[string]origin
	problems Problems
	warnings Problems
	files    []string
}

// readDefaults: viper shows Unmarshal only keys that have a default (viper issues 188, 761).
func (l *loading) readDefaults() {
	leaves(table(), "", func(key string, f field) {
		l.viper.SetDefault(key, f.initially())
	})
}

func (l *loading) readLayers(opts Options) {
	if opts.Path != "" {
		l.merge(readConfigFile(opts.Path, l.origins))
	}
	l.merge(readEnviron(opts.Environ, l.origins))
	l.merge(readFlags(opts.Flags, l.origins))
}

func (l *loading) merge(tree map[string]any, problems Problems) {
	l.problems = append(l.problems, problems...)
	if err := l.viper.MergeConfigMap(tree); err != nil {
		l.problems = append(l.problems, Problem{Text: "values do not fit together: " + err.Error()})
	}
}

func readConfigFile(path string, origins map[string]origin) (map[string]any, Problems) {
	r := &reader{source: path, inFile: true, origins: origins}
	data, _, err := readFile(path, largestFile)
	if err != nil {
		r.bad("", 0, "", "%v", err)
		return nil, r.problems
	}
	root, bad := parseYAML(data)
	if bad != nil {
		r.bad("", bad.line, "", "%s", bad.text)
		return nil, r.problems
	}
	if root == nil {
		return nil, nil
	}
	tree, _ := r.section(table(), "", root)
	return tree, r.problems
}

// completeRoutes gives each route what it leaves out: of its own keys the default, of identity what the section says.
func (l *loading) completeRoutes() {
	routes, _ := l.viper.Get("routes").([]any)
	for i, route := range routes {
		if tree, ok := route.(map[string]any); ok {
			l.completeBasicAuth(fmt.Sprintf("routes[%d].identity.basic_auth", i), tree)
			l.complete(routeFields(), "", tree)
		}
	}
	headers, _ := l.viper.Get("identity.headers").([]any)
	for _, header := range headers {
		if tree, ok := header.(map[string]any); ok {
			l.complete(headerFields(), "", tree)
		}
	}
}

func (l *loading) complete(fields []field, path string, tree map[string]any) {
	for _, f := range fields {
		key := join(path, f.name)
		_, given := tree[f.name]
		switch {
		case f.kind == kindSection:
			inner, _ := tree[f.name].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				tree[f.name] = inner
			}
			l.complete(f.fields, key, inner)
		case given:
		case inherited(key):
			tree[f.name] = l.viper.Get(key)
		default:
			tree[f.name] = f.initially()
		}
	}
}

// inherited are the keys that a route takes from the section of the same name where it leaves them out.
func inherited(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return slices.Contains([]string{"identity", "connection", "fastcgi", "balance"}, section) && section != key
}

// decode needs no conversions: the tree holds values of the fields' types.
func (l *loading) decode() Config {
	var cfg Config
	err := l.viper.UnmarshalExact(&cfg, viper.DecodeHook(nil))
	if err != nil {
		l.problems = append(l.problems, Problem{Text: "values do not fit together"})
	}
	return cfg
}

// bad notes a problem of a key, unless that is only the consequence of one noted before.
func (l *loading) bad(key, format string, args ...any) {
	if !l.explained(key) {
		l.problems = append(l.problems, l.at(key, format, args...))
	}
}

func (l *loading) warn(key, format string, args ...any) {
	if !l.explained(key) {
		l.warnings = append(l.warnings, l.at(key, format, args...))
	}
}

// explained: the key, what it is part of, or a misspelt form of it has a problem, so that it holds only its default.
func (l *loading) explained(key string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Key != "" && (p.Nearest == key || partOf(key, p.Key))
	})
}

// partOf: session.cookie_age is part of session, routes[0] of routes.
func partOf(key, whole string) bool {
	return key == whole || strings.HasPrefix(key, whole+"[") || strings.HasPrefix(key, whole+".")
}

// at names the place of the key, or of the list item it is missing in.
func (l *loading) at(key, format string, args ...any) Problem {
	p := Problem{Key: key, Text: fmt.Sprintf(format, args...)}
	if o, ok := l.origins[key]; ok {
		p.Source, p.Line, p.Value = o.source, o.line, o.text
		return p
	}
	for around := key; around != ""; {
		around = around[:max(strings.LastIndexAny(around, ".["), 0)]
		if o, ok := l.origins[around]; ok && strings.Contains(key[:len(around)+1], "[") {
			p.Source, p.Line = o.source, o.line
			break
		}
	}
	return p
}
