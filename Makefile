# The commands of daily work. "make help" lists them.

GO   ?= go
TAGS := nomsgpack
DATA ?= ./hatrac-data
ADDR ?= 127.0.0.1:8080
MNT  ?= ./mnt

.DEFAULT_GOAL := build
.PHONY: help build run test lint deps bench fuzz mutants clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

build: ## build bin/hatrac
	$(GO) build -tags $(TAGS) -trimpath -o bin/hatrac ./cmd/hatrac

run: build ## serve and mount a store in this folder
	bin/hatrac serve --data $(DATA) --listen $(ADDR) --mount $(MNT)

deps: ## install what the tests need and this machine lacks
	@.ci/deps

test: deps ## run all tests
	$(GO) test -race -tags $(TAGS) -timeout 20m ./...

lint: ## check formatting, and look for mistakes
	@unformatted=$$($(GO) tool gofumpt -l .); \
	if [ -n "$$unformatted" ]; then echo "not formatted (go tool gofumpt -w .):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -tags $(TAGS) ./...
	$(GO) tool staticcheck -tags $(TAGS) ./...
	$(GO) mod verify
	@.ci/vulnerabilities

bench: deps ## measure the back ends and the service
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchmem ./...

fuzz: ## run each fuzz target for a while
	@for package in $$($(GO) list -tags $(TAGS) ./...); do \
		for target in $$($(GO) test -tags $(TAGS) -list '^Fuzz' $$package | grep '^Fuzz'); do \
			$(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$target\$$" -fuzztime 30s $$package || exit 1; \
		done; \
	done

mutants: deps ## break each rule of the API, to see that its test fails
	$(GO) run ./integration/mutants

clean: ## remove what was built
	rm -rf bin
