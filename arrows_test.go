package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says which of our packages may import which (DESIGN: arrows point to the middle). A leaf has an empty list; a
// package that is not listed fails the test, so that a new one has to say where it stands.
var arrows = map[string][]string{
	".":   {"cmd"},
	"cmd": {"*"},

	"internal/certtable": {"internal/schema", "internal/sqlconn"},
	"internal/pyvalue":   {},
	"internal/signing":   {},
	"internal/config":    {},
	"internal/sqlconn":   {},
	"internal/schema":    {"internal/sqlconn"},
	"internal/lease":     {"internal/schema", "internal/sqlconn"},
	"internal/demo":      {},
	"internal/watch":     {},
	"internal/audit":     {},
	"internal/systemd":   {},
	"deploy":             {"cmd", "internal/config"},
	"docs":               {"cmd", "internal/config"},
	// An example: an application of its own.
	"deploy/examples/session-api/go": {},
	"auth/password":                  {},
	"proxy/wording":                  {},
	"proxy/look":                     {},
	"proxy/facts":                    {"proxy/look"},

	"internal/diagnosis": {},
	"internal/doctor": {"auth", "auth/password", "auth/userdb", "internal/config", "internal/diagnosis", "internal/pyvalue", "internal/signing", "internal/sqlconn",
		"sessionstore/cache", "sessionstore/cacheddbstore", "sessionstore/cachestore", "sessionstore/codec", "sessionstore/dbstore"},
	"auth/passwordpolicy": {"auth"},

	"sessionstore":             {"internal/pyvalue"},
	"sessionstore/codec":       {"internal/pyvalue", "internal/signing"},
	"sessionstore/storetest":   {"internal/pyvalue", "sessionstore"},
	"sessionstore/dbstore":     {"internal/pyvalue", "internal/sqlconn", "sessionstore", "sessionstore/codec"},
	"sessionstore/filestore":   {"internal/pyvalue", "sessionstore", "sessionstore/codec"},
	"sessionstore/cookiestore": {"internal/pyvalue", "internal/signing", "sessionstore", "sessionstore/codec"},
	"sessionstore/ledger":      {"internal/schema", "internal/signing", "internal/sqlconn"},
	"sessionstore/cache":       {},
	"sessionstore/cachestore":  {"internal/pyvalue", "sessionstore", "sessionstore/cache"},
	// The row decides, whatever store it is in: no dbstore here.
	"sessionstore/cacheddbstore": {"internal/pyvalue", "sessionstore", "sessionstore/cache"},

	"sessionstore/nearcache": {"internal/near", "sessionstore"},

	"bench/races":      {"sessionstore/cache", "sessionstore/cachestore", "sessionstore/cacheddbstore"},
	"bench/compare":    {"bench/stage", "bench/wire"},
	"bench/respond":    {"bench/wire"},
	"bench/revocation": {"bench/stage"},
	"bench/stage":      {"sessionstore/cache", "sessionstore/cachestore", "sessionstore/cacheddbstore", "sessionstore/cookiestore", "sessionstore/filestore"},
	"bench/whole":      {"bench/stage", "bench/wire", "cmd"},
	"internal/tlsconf": {"internal/signing", "internal/watch"},
	"internal/metrics": {"auth", "internal/feed", "internal/near", "proxy", "sessionstore"},
	"internal/near":    {},
	"internal/feed":    {"internal/near", "internal/sqlconn", "sessionstore/cache"},

	"auth":           {"internal/pyvalue", "internal/signing", "sessionstore"},
	"auth/activity":  {"auth", "internal/pyvalue", "sessionstore", "sessionstore/ledger"},
	"auth/userdb":    {"auth", "auth/password", "internal/sqlconn"},
	"auth/nearusers": {"auth", "internal/near", "internal/signing"},
	"auth/throttle":  {"auth", "internal/signing", "internal/sqlconn"},

	"proxy/problem":          {"proxy/facts", "proxy/look", "proxy/wording"},
	"proxy/sessionapi":       {"internal/pyvalue", "internal/signing", "proxy/facts", "proxy/problem", "sessionstore"},
	"proxy/sessioncookie":    {"sessionstore"},
	"proxy/identity":         {"auth", "internal/pyvalue"},
	"proxy/upstream":         {"proxy/facts", "proxy/upstream/direct", "proxy/upstream/fastcgi"},
	"proxy/upstream/direct":  {},
	"proxy/upstream/fastcgi": {},
	"proxy/assertion":        {"auth", "proxy/identity"},
	"proxy/proxyprotocol":    {},
	"proxy/lane":             {},
	"proxy/portal":           {"auth", "internal/diagnosis", "proxy/facts", "proxy/look", "proxy/problem", "proxy/sessioncookie", "proxy/wording", "sessionstore"},
	"proxy":                  {"auth", "proxy/facts", "proxy/identity", "proxy/look", "proxy/problem", "proxy/wording", "proxy/sessionapi", "proxy/sessioncookie", "proxy/upstream", "sessionstore"},
}

// testArrows are the additional imports that tests may have.
var testArrows = []string{"internal/testenv", "sessionstore/storetest", "sessionstore/codec", "sessionstore/dbstore", "internal/pyvalue",
	"internal/signing", "internal/sqlconn", "internal/certtable", "auth/password", "auth/throttle", "auth/userdb", "proxy/facts", "proxy/lane", "sessionstore", "sessionstore/ledger",
	"auth/nearusers", "internal/feed", "internal/near", "sessionstore/nearcache", "sessionstore/cache", "sessionstore/cachestore", "sessionstore/cacheddbstore", "sessionstore/cookiestore", "sessionstore/filestore"}

// owners says which package alone may import an outside technology, tests included.
var owners = map[string][]string{
	"github.com/spf13/viper":           {"internal/config"},
	"github.com/caddyserver/certmagic": {"internal/tlsconf"},
	"github.com/redis/go-redis":        {"sessionstore/cache"},
	"github.com/bradfitz/gomemcache":   {"sessionstore/cache"},
	"golang.org/x/crypto":              {"auth/password"},
	"github.com/go-crypt/crypt":        {"auth/password"},
	"modernc.org/sqlite":               {"internal/sqlconn"},
	"github.com/jackc/pgx":             {"internal/sqlconn"},
	"github.com/go-sql-driver/mysql":   {"internal/sqlconn"},
	"github.com/spf13/cobra":           {"cmd"},
	"github.com/prometheus":            {"internal/metrics"},
	"github.com/go-jose/go-jose":       {"proxy/assertion"},
	"github.com/pires/go-proxyproto":   {"proxy/proxyprotocol"},
	"github.com/hashicorp/golang-lru":  {"internal/near"},
}

// banned are standard packages that a tree must not import outside its tests.
var banned = map[string][]string{
	"sessionstore": {"net/http"},
	"auth":         {"net/http"},
	"proxy":        {"database/sql"},
}

func TestArrows(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || (d.Name() != "." && strings.HasPrefix(d.Name(), "."))) {
			return filepath.SkipDir
		}
		if d.IsDir() || path.Ext(file) != ".go" {
			return nil
		}
		checkFile(t, filepath.ToSlash(file))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, file string) {
	pkg, test := path.Dir(file), strings.HasSuffix(file, "_test.go")
	if pkg == "internal/testenv" || pkg == "e2e" || strings.HasPrefix(pkg, "bench") {
		test = true
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	for _, spec := range parsed.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		if ours, ok := strings.CutPrefix(imported, "coatcheck/"); ok {
			checkArrow(t, file, pkg, ours, test)
			continue
		}
		for tech, allowed := range owners {
			if (imported == tech || strings.HasPrefix(imported, tech+"/")) && !test && !slices.Contains(allowed, pkg) {
				t.Errorf("%s imports %s, which belongs to %v alone", file, imported, allowed)
			}
		}
		for tree, list := range banned {
			if !test && (pkg == tree || strings.HasPrefix(pkg, tree+"/")) && slices.Contains(list, imported) {
				t.Errorf("%s imports %s, which has no place under %s", file, imported, tree)
			}
		}
	}
}

func checkArrow(t *testing.T, file, pkg, imported string, test bool) {
	if test && (slices.Contains(testArrows, imported) || imported == pkg) {
		return
	}
	allowed, known := arrows[pkg]
	if !known && !test {
		t.Errorf("%s: package %s is not in the list of arrows", file, pkg)
		return
	}
	if slices.Contains(allowed, "*") || slices.Contains(allowed, imported) {
		return
	}
	t.Errorf("%s: new arrow %s → %s", file, pkg, imported)
}
