# `make test` installs what the tests need and passes them all. GO may name another go command.
GO ?= go
GOTESTFLAGS ?=
FUZZTIME ?= 2s
# What `make bench` runs: all, or one of go (benchmarks of the packages), compare (beside other proxies) and revocation.
BENCH ?= all
BENCHFLAGS ?=
export CGO_ENABLED ?= 1

.PHONY: screens test packages check unit fuzz build release vulncheck bench bench-go bench-compare bench-revocation pgo clean

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
	$(GO) test -race -p 3 -timeout 15m $(GOTESTFLAGS) ./...
	COATCHECK_FAST_LANE=off $(GO) test -timeout 15m $(GOTESTFLAGS) ./proxy
	COATCHECK_FAST_LANE=off $(GO) test -timeout 15m $(GOTESTFLAGS) -run 'Live|Stop|BadInput|BadUpstreams' ./e2e

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

bench: $(if $(filter all,$(BENCH)),bench-go bench-compare bench-revocation,bench-$(BENCH))

bench-go:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

# Peers that are not installed are listed as missing: apt-get install nginx-light haproxy caddy apache2
bench-compare:
	$(GO) run ./bench/compare $(BENCHFLAGS)

bench-revocation:
	$(GO) run ./bench/revocation $(BENCHFLAGS)

# A profile of whole requests, with which later builds are optimised. Keep it only if it gains: make bench BENCH=compare before and after.
pgo:
	$(GO) test ./bench/whole -run='^$$' -bench=WholeRequest -benchtime=20s -cpuprofile=default.pgo
	rm -f whole.test

clean:
	rm -rf coatcheck dist
