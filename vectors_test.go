package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vectorUses says which test reads which list of the vectors of testdata/vectors, for all versions of Django; a list nobody reads says why,
// after a dash.
var vectorUses = map[string]map[string]string{
	"session_encoding.json": {"encode": "sessionstore/codec/codec_test.go", "decode": "sessionstore/codec/codec_test.go"},
	"signing.json": {"base62": "internal/signing/signing_test.go", "timestamp_sign": "internal/signing/signing_test.go",
		"max_age": "internal/signing/signing_test.go", "salted_hmac": "internal/signing/signing_test.go"},
	"signed_cookies.json": {"encode": "sessionstore/codec/codec_test.go", "load": "sessionstore/cookiestore/vectors_test.go"},
	"auth_hash.json": {"cases": "auth/principal_test.go", "fallback": "auth/principal_test.go",
		"legacy_sha1_before_4_0": "- session hashes of SHA-1 are not accepted: only a 3.2 that was told to makes them"},
	"passwords.json": {"encode_fixed_salt": "auth/password/django_test.go", "encode_defaults_random_salt": "auth/password/django_test.go",
		"check": "auth/password/django_test.go"},
	"usernames.json":    {"cases": "auth/login_test.go"},
	"session_keys.json": {"cases": "sessionstore/key_test.go"},
	"file_backend.json": {"write": "sessionstore/filestore/vectors_test.go", "load": "sessionstore/filestore/vectors_test.go"},
	"cache_redis.json": {"cases": "sessionstore/cachestore/vectors_test.go", "prefixed": "sessionstore/cachestore/vectors_test.go",
		"non_session_values": "sessionstore/cachestore/vectors_test.go", "ttl_rules": "sessionstore/cachestore/vectors_test.go"},
	"cache_memcached_": {"cases": "sessionstore/cachestore/vectors_test.go", "prefixed": "sessionstore/cachestore/vectors_test.go",
		"non_session_values": "sessionstore/cachestore/vectors_test.go", "ttl_rules": "sessionstore/cachestore/vectors_test.go"},
	"expiry.json": {"table": "sessionstore/expiry_test.go", "with_modification": "sessionstore/expiry_test.go",
		"db_boundary": "sessionstore/dbstore/boundary_test.go"},
	"set_cookie.json":   {"cases": "proxy/sessioncookie/vectors_test.go"},
	"cookie_parse.json": {"cases": "proxy/sessioncookie/vectors_test.go"},
	"next_url.json":     {"cases": "proxy/portal/nexturl_test.go"},
	"csrf.json": {"mask": "- no CSRF tokens: requests are judged by Sec-Fetch-Site and Origin",
		"post": "- no CSRF tokens: requests are judged by Sec-Fetch-Site and Origin"},
	"fixture.json":   {"users": "auth/house_test.go", "sessions": "sessionstore/dbstore/sqlite_test.go"},
	"django.sqlite3": {"": "sessionstore/dbstore/sqlite_test.go"},
}

// oneSet are the files of which some versions are not read, and why.
var oneSet = map[string]string{
	"next_url.json": "Django 3.2 lets pass what a browser reads as another host; the newer versions' verdicts hold",
}

func TestVectorsAreUsed(t *testing.T) {
	for _, set := range []string{"", "django-3.2", "django-6.1"} {
		entries, err := os.ReadDir(filepath.Join("testdata/vectors", set))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if name := e.Name(); path.Ext(name) == ".json" || path.Ext(name) == ".sqlite3" {
				checkVectors(t, set, name)
			}
		}
	}
}

func checkVectors(t *testing.T, set, name string) {
	uses, word := vectorUses[name], name
	if strings.HasPrefix(name, "cache_memcached_") {
		uses, word = vectorUses["cache_memcached_"], "cache_memcached"
	}
	if name == "cache_redis.json" {
		word = "cache_redis"
	}
	for _, list := range listsOf(t, filepath.Join("testdata/vectors", set, name)) {
		use := uses[list]
		if reason, unused := strings.CutPrefix(use, "- "); unused && len(reason) > 20 {
			continue
		}
		text, err := os.ReadFile(use)
		if err != nil {
			t.Errorf("%s/%s: no test uses the list %q: %v", set, name, list, err)
			continue
		}
		source := string(text)
		if !strings.Contains(source, word) || !namesList(source, list) {
			t.Errorf("%s/%s: %s does not read the list %q", set, name, use, list)
		}
		if set == "django-3.2" && oneSet[name] == "" && !allSets(t, path.Dir(use)) {
			t.Errorf("%s: the tests in %s do not read all versions", name, path.Dir(use))
		}
	}
}

// namesList: encoding/json matches field names in any case.
func namesList(source, list string) bool {
	return list == "" || strings.Contains(source, `json:"`+list+`"`) || strings.Contains(strings.ToLower(source), strings.ToLower(list))
}

// allSets: a test of the package names the folders of the versions, or takes all.
func allSets(t *testing.T, pkg string) bool {
	files, err := filepath.Glob(pkg + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		return err == nil && (strings.Contains(string(text), "django-3.2") && strings.Contains(string(text), "django-6.1") || strings.Contains(string(text), "vectors/*/"))
	})
}

// listsOf are the names of a file's lists of cases; a database is one nameless list.
func listsOf(t *testing.T, file string) []string {
	if path.Ext(file) != ".json" {
		return []string{""}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var content map[string]json.RawMessage
	if err := json.Unmarshal(text, &content); err != nil {
		t.Fatal(err)
	}
	var lists []string
	for name, raw := range content {
		var cases []map[string]any
		if json.Unmarshal(raw, &cases) == nil && len(cases) > 0 {
			lists = append(lists, name)
		}
	}
	return lists
}
