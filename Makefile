# `make test` installs what the tests need and passes them all. GO may name another go command.
GO ?= go
GOTESTFLAGS ?=
FUZZTIME ?= 5s
export CGO_ENABLED ?= 1

.PHONY: test packages check unit fuzz build bench clean

test: packages check unit fuzz

packages:
	sh scripts/test-packages

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
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o coatcheck .

bench:
	$(GO) test -run='^$$' -bench=. -benchmem ./...

clean:
	rm -rf coatcheck dist
