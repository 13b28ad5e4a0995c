package config

import (
	"flag"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write config.yaml.example and the golden files anew")

const exampleFile = "../../config.yaml.example"

// diff compares configurations; secrets by what they hold.
func diff(want, got Config) string {
	return cmp.Diff(want, got, cmp.AllowUnexported(Config{}), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}))
}

func mustLoad(t *testing.T, opts Options) Config {
	t.Helper()
	cfg, err := Load(opts)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return cfg
}

func TestDefaultsHaveNoProblemsAndNoWarnings(t *testing.T) {
	if cfg := mustLoad(t, Options{}); len(cfg.Warnings) > 0 {
		t.Errorf("warnings: %v", cfg.Warnings)
	}
}

func TestExampleIsTheDefaults(t *testing.T) {
	if *update {
		if err := os.WriteFile(exampleFile, []byte(Example()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Example(), string(data)); d != "" {
		t.Errorf("config.yaml.example is not what the table of keys says; run go test ./internal/config -update\n%s", d)
	}
	if d := diff(mustLoad(t, Options{}), mustLoad(t, Options{Path: exampleFile})); d != "" {
		t.Errorf("loading the example differs from loading nothing (-nothing +example):\n%s", d)
	}
}

func TestExampleNamesEveryKey(t *testing.T) {
	var tree map[string]any
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &tree); err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys() {
		var at any = tree
		for part := range strings.SplitSeq(key, ".") {
			m, _ := at.(map[string]any)
			var ok bool
			if at, ok = m[part]; !ok {
				t.Errorf("%s is missing", key)
				break
			}
		}
	}
	for _, f := range routeFields() {
		if !strings.Contains(string(data), " "+f.name+": ") {
			t.Errorf("the sample route lacks %s", f.name)
		}
	}
}

// Uncommenting the sample route gives a file that differs only in what it names.
func TestExampleRouteCanBeUncommented(t *testing.T) {
	sample := strings.ReplaceAll(routeSample, "session_api: false", "session_api: false # see session_api")
	cfg := mustLoad(t, Options{Path: write(t, "routes:\n"+sample)})
	want := Route{Path: "/", Access: "login", Touch: true, Upstream: Upstreams{"http://127.0.0.1:3000"}, Timeout: 5 * time.Minute,
		Identity: cfg.Identity, Connection: cfg.Connection, FastCGI: cfg.FastCGI, Balance: cfg.Balance}
	if d := cmp.Diff(want, cfg.Routes[0], cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

// Every key has a struct field and every struct field a key.
func TestTableAndStructAgree(t *testing.T) {
	agree(t, table(), reflect.TypeFor[Config](), "")
	agree(t, withTwins(routeFields()), reflect.TypeFor[Route](), "routes[]")
	agree(t, headerFields(), reflect.TypeFor[Header](), "identity.headers[]")
}

func agree(t *testing.T, fields []field, typ reflect.Type, path string) {
	t.Helper()
	var tags []string
	for i := range typ.NumField() {
		if tag := typ.Field(i).Tag.Get("mapstructure"); tag != "" && tag != "-" {
			tags = append(tags, tag)
			if f, ok := find(fields, tag); ok && f.kind == kindSection {
				agree(t, f.fields, typ.Field(i).Type, join(path, tag))
			}
		}
	}
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.name)
		if f.doc == "" || strings.Contains(f.doc, "\n") {
			t.Errorf("%s: needs one line of description, has %q", join(path, f.name), f.doc)
		}
	}
	slices.Sort(tags)
	slices.Sort(keys)
	if d := cmp.Diff(keys, tags); d != "" {
		t.Errorf("%s (-table +struct):\n%s", path, d)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return schema
}

func TestSchema(t *testing.T) {
	schema := compiledSchema(t)
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, text string
		valid      bool
	}{
		{"the example", string(example), true},
		{"a route", "routes:\n" + routeSample, true},
		{"seconds", "session: {cookie_age: 1209600}", true},
		{"days", "session: {cookie_age: 14d}", true},
		{"bool choice", "session: {cookie_secure: true}", true},
		{"formats", "users: {password_formats: [argon2]}", true},
		{"two upstreams", "upstream: [http://a, http://b]", true},
		{"unknown key", "sesion: {}", false},
		{"unknown key in a route", "routes: [{pfad: /}]", false},
		{"wrong type", "listen: [1]", false},
		{"wrong choice", "log: {level: loud}", false},
		{"bad duration", "shutdown_grace: soon", false},
		{"negative", "login: {max_attempts: -1}", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var value any
			if err := yaml.Unmarshal([]byte(c.text), &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(value); (err == nil) != c.valid {
				t.Errorf("got %v, want valid %v", err, c.valid)
			}
		})
	}
}

func TestEffectiveRoundTrip(t *testing.T) {
	files := map[string]string{
		"nothing":  "",
		"upstream": "upstream: unix:///run/app.sock\ntrusted_proxies: [10.0.0.0/8, 2001:db8::1]\nsession: {cookie_age: 1d12h30m, cookie_samesite: '', cookie_secure: true, near_cache: off}\n",
		"routes":   full,
		"odd text": "login: {title: \"a \\\"b\\\" \\\\ # é 日本\", text: 'on'}\nidentity: {group_separator: '; '}\n",
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			first := mustLoad(t, Options{Path: write(t, text)})
			shown := first.Effective()
			second := mustLoad(t, Options{Path: write(t, shown)})
			if d := diff(first, second); d != "" {
				t.Errorf("-loaded +loaded again:\n%s\n%s", d, shown)
			}
		})
	}
}

const full = `
listen: 127.0.0.1:8443
public_url: https://app.example.com/
upstream: http://127.0.0.1:3000
fold_paths: on
identity: {preset: none, headers: [{name: Remote-User, value: username}, {name: X-Theme, value: "session:theme"}]}
routes:
  - {path: /static, access: public}
  - {path: /admin/, groups: [ops, "night shift"], networks: [10.0.0.0/8], identity: {preset: x-webauth}}
  - {path: /admin/, methods: [POST], staff: true, upstream: "https://[::1]:9000/base"}
  - {host: API.example.com, path: /, access: optional, share_session: true, identity: {group_separator: "|", headers: []}}
  - {path: /secret, access: deny}
users: {password_formats: [argon2, pbkdf2_sha256]}
`

func TestEffectiveIsDocumented(t *testing.T) {
	shown := mustLoad(t, Options{}).Effective()
	leaves(table(), "", func(key string, f field) {
		if !strings.Contains(shown, "# "+f.doc+"\n") {
			t.Errorf("%s: description missing", key)
		}
	})
}
