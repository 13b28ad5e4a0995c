# `make test` installs what the tests need and passes them all. GO may name another go command.
GO ?= go
GOTESTFLAGS ?=
FUZZTIME ?= 5s
export CGO_ENABLED ?= 1

.PHONY: screens test packages check unit fuzz build release vulncheck bench clean

test: packages check unit fuzz

packages:
	sh scripts/test-packages
	sh scripts/fetch-axe

check:
	$(GO) mod verify
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

unit:
	$(GO) test -race -timeout 15m $(GOTESTFLAGS) ./...

fuzz:
	sh scripts/fuzz $(FUZZTIME)

build:
	GO='$(GO)' sh scripts/build coatcheck

# What a release consists of, in dist/.
release: vulncheck
	mkdir -p dist
	sh scripts/reproducible >dist/reproducible.sha256
	GO='$(GO)' sh scripts/build dist/coatcheck
	$(GO) run ./scripts/sbom dist/coatcheck >dist/coatcheck.cdx.json
	cd dist && sha256sum coatcheck coatcheck.cdx.json >SHA256SUMS

# Asks the vulnerability database, so it needs a network.
vulncheck:
	$(GO) tool govulncheck ./...

# Renews the pictures in docs/.
screens:
	COATCHECK_TEST_SCREENS=$(CURDIR)/docs/screens $(GO) test -count=1 -run '^TestScreens$$' ./e2e

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

clean:
	rm -rf coatcheck dist
