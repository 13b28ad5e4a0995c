package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const hunter = "hunter2-hunter2-hunter2-hunter2-hunter2"

func TestSecretPrintsMasked_13_3_1(t *testing.T) {
	type hidden struct{ inner Secret }
	s := NewSecret(hunter)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s", "%t"} {
		for _, value := range []any{s, &s, []Secret{s}, map[string]Secret{"k": s}, struct{ S Secret }{s}, hidden{s}, &hidden{s}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		if got := fmt.Sprintf(verb, s); got != masked {
			t.Errorf("%s: got %q, want %q", verb, got, masked)
		}
	}
	asJSON, _ := json.Marshal(map[string]any{"a": s, "b": []Secret{s}})
	asYAML, _ := yaml.Marshal(map[string]any{"a": s, "b": []Secret{s}})
	out.Write(asJSON)
	out.Write(asYAML)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "a", s, "b", []Secret{s}, "c", hidden{s})
	}
	if strings.Contains(out.String(), "hunter") || strings.Contains(out.String(), fmt.Sprintf("%x", "hunter")) {
		t.Errorf("the secret shows:\n%s", out.String())
	}
	if !strings.Contains(string(asYAML), masked) {
		t.Errorf("YAML: got %q", asYAML)
	}
	if !s.Equal(NewSecret(hunter)) || s.Equal(NewSecret("x")) || s.Reveal() != hunter || !(Secret{}).Empty() || !NewSecret("").Empty() {
		t.Error("a secret does not keep its text")
	}
}

// Whatever is wrong around a secret, no message, no warning and no output holds it.
func TestSecretsNeverShow_13_3_1(t *testing.T) {
	files := map[string]string{
		"fine":                 "secret_key: " + hunter,
		"short":                "secret_key: hunter2",
		"fallbacks":            "secret_key_fallbacks: [" + hunter + ", hunter3]",
		"fallbacks no list":    "secret_key_fallbacks: " + hunter,
		"list":                 "secret_key: [" + hunter + "]",
		"mapping":              "secret_key: {" + hunter + ": 1}",
		"mapping value":        "secret_key: {a: " + hunter + "}",
		"alias":                "secret_key: *" + hunter,
		"anchor":               "secret_key: &" + hunter,
		"anchored":             "secret_key: &" + hunter + " x",
		"tag":                  "secret_key: !" + hunter + " x",
		"directive":            "secret_key: %" + hunter,
		"at":                   "secret_key: @" + hunter,
		"quote":                "secret_key: \"" + hunter,
		"escape":               "secret_key: \"\\q" + hunter + "\"",
		"colon":                "secret_key: a: " + hunter,
		"mistyped":             "secret_kye: " + hunter,
		"twice":                "secret_key: " + hunter + "\nsecret_key: " + hunter,
		"both":                 "secret_key: " + hunter + "\nsecret_key_file: /x",
		"database scheme":      "database: {url: 'oracle://u:" + hunter + "@h/x'}",
		"database no scheme":   "database: {url: '" + hunter + "'}",
		"database bad escape":  "database: {url: 'postgres://u:%zz" + hunter + "@h/x'}",
		"database postgres":    "database: {url: 'postgres://u:" + hunter + "@h/x'}",
		"database bad port":    "database: {url: 'mysql://u:" + hunter + "@h:x/x'}",
		"cache":                "cache: {url: 'redis://:" + hunter + "@h:1/0'}",
		"cache bad":            "cache: {url: '" + hunter + "'}",
		"users":                "users: {url: 'sqlite:" + hunter + "'}",
		"upstream":             "upstream: http://u:" + hunter + "@h:1",
		"upstream, slash":      "upstream: http://u:a/" + hunter + "@h:1",
		"public url":           "public_url: https://u:" + hunter + "@h",
		"basic auth":           "identity: {basic_auth: {password: " + hunter + "}}",
		"basic auth text":      "identity: {basic_auth: " + hunter + "}",
		"secret as section":    "database: " + hunter,
		"document in document": "secret_key: x\n---\n" + hunter,
	}
	for name, text := range files {
		t.Run(name, func(t *testing.T) {
			opts := Options{Path: write(t, text)}
			cfg, _ := Load(opts)
			all := report(opts) + cfg.Effective() + fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)
			asJSON, err := json.Marshal(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if all += string(asJSON); strings.Contains(all, "hunter") {
				t.Errorf("%s\nshows the secret:\n%s", text, all)
			}
		})
	}
	t.Run("environment", func(t *testing.T) {
		for _, key := range []string{"secret_key", "secret_key_fallbacks", "database.url", "cache.url", "users.url", "identity.basic_auth", "database", "users", "upstream"} {
			value := hunter
			if key == "upstream" {
				value = "http://u:" + hunter + "@h"
			}
			if got := report(Options{Environ: []string{EnvName(key) + "=" + value}}); strings.Contains(got, "hunter") {
				t.Errorf("%s: %s", key, got)
			}
		}
	})
}

// foreign gives a file to another user than root, whose group would be trusted.
func foreign(t *testing.T, path string) string {
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 1234, -1); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestSecretFiles_13_3_2_F27(t *testing.T) {
	file := func(t *testing.T, content string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cases := []struct {
		name string
		path func(t *testing.T) string
		want string // part of the problem; empty: the secret is hunter
	}{
		{"newline", func(t *testing.T) string { return file(t, hunter+"\n", 0o600) }, ""},
		{"carriage return", func(t *testing.T) string { return file(t, hunter+"\r\n", 0o400) }, ""},
		{"no newline", func(t *testing.T) string { return file(t, hunter, 0o600) }, ""},
		{"symbolic link", func(t *testing.T) string {
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(file(t, hunter, 0o600), link); err != nil {
				t.Fatal(err)
			}
			return link
		}, ""},
		{"world-readable", func(t *testing.T) string { return file(t, hunter, 0o644) }, "is open to other users (mode 0644): chmod 600 it"},
		{"group-readable", func(t *testing.T) string { return foreign(t, file(t, hunter, 0o640)) }, "is open to other users (mode 0640): chmod 600 it"},
		{"group-writable", func(t *testing.T) string { return file(t, hunter, 0o660) }, "is open to other users (mode 0660): chmod 600 it"},
		{"empty", func(t *testing.T) string { return file(t, "", 0o600) }, "is empty"},
		{"only a line end", func(t *testing.T) string { return file(t, "\n", 0o600) }, "is empty"},
		{"only spaces", func(t *testing.T) string { return file(t, "  \n\n", 0o600) }, "is empty"},
		{"missing", func(t *testing.T) string { return "/nowhere/key" }, "does not exist"},
		{"directory", func(t *testing.T) string { return t.TempDir() }, "is a directory"},
		{"device", func(t *testing.T) string { return "/dev/zero" }, "is not a regular file"},
		{"huge", func(t *testing.T) string { return file(t, strings.Repeat("x", largestSecret+1), 0o600) }, "is larger than 64 KiB"},
		{"binary", func(t *testing.T) string { return file(t, "\xff\xfe\x00", 0o600) }, "is not text"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := c.path(t)
			cfg, err := Load(Options{Path: write(t, "secret_key_file: "+path)})
			if c.want == "" {
				if err != nil || cfg.SecretKey.Reveal() != hunter {
					t.Errorf("got %q, %v, want the text without its line end", cfg.SecretKey.Reveal(), err)
				}
				return
			}
			if got := fmt.Sprint(err); !strings.Contains(got, ":1: secret_key_file: \""+path+"\" "+c.want) {
				t.Errorf("got %s, want line, key, path and %q", got, c.want)
			}
		})
	}
	t.Run("fallbacks, one a line", func(t *testing.T) {
		cfg := mustLoad(t, Options{Environ: []string{"COATCHECK_SECRET_KEY_FALLBACKS_FILE=" + file(t, "a,b\nc\n\n", 0o600)}})
		if len(cfg.SecretKeyFallbacks) != 2 || cfg.SecretKeyFallbacks[0].Reveal() != "a,b" || cfg.SecretKeyFallbacks[1].Reveal() != "c" {
			t.Errorf("got %d fallbacks", len(cfg.SecretKeyFallbacks))
		}
	})
	t.Run("database", func(t *testing.T) {
		cfg := mustLoad(t, Options{Path: write(t, "database: {url_file: "+file(t, "sqlite:x.db\n", 0o600)+"}")})
		if cfg.Database.URL.Reveal() != "sqlite:x.db" {
			t.Errorf("got %q", cfg.Database.URL.Reveal())
		}
		path := file(t, "oracle://u:"+hunter+"@h/x", 0o600)
		_, err := Load(Options{Path: write(t, "database: {url_file: "+path+"}")})
		if got := fmt.Sprint(err); !strings.Contains(got, "database.url_file: ") || strings.Contains(got, "hunter") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("both, in different places", func(t *testing.T) {
		_, err := Load(Options{Path: write(t, "secret_key_file: "+file(t, hunter, 0o600)), Environ: []string{"COATCHECK_SECRET_KEY=x"}})
		if got := fmt.Sprint(err); !strings.Contains(got, "is given together with secret_key; keep one of them") {
			t.Errorf("got %s", got)
		}
	})
}
