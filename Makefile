# Development of slogship. `make` alone lists the targets.
#
# test needs Go, make and a C compiler (for the race detector). check builds its
# tools, pinned in tools/go.mod, once into .bin/.

GO ?= go
BIN := .bin

# A developer's go.work must not change what is tested.
export GOWORK := off

# Every module in the tree, and those of them that hold code of their own.
# viewer/measure/drivers only compares two drivers of SQLite, and to build the one
# that nothing else uses takes minutes.
MODULES := $(filter-out viewer/measure/drivers,$(sort $(patsubst ./%,%,$(patsubst %/,%,$(dir \
	$(shell find . -name go.mod -not -path './.*' -not -path '*/testdata/*' -not -path '*/node_modules/*'))))))
NESTED := $(filter-out . tools,$(MODULES))

# cli and viewer require the root module as it is published, without a replace
# directive; in the tree they are built with the root module beside them, each by
# its own go.work.
WORKSPACES := cli viewer
in_module = cd $$m && GOWORK=$$(case " $(WORKSPACES) " in *" $$m "*) echo $(CURDIR)/$$m/go.work;; *) echo off;; esac)

# Nested modules whose tests take seconds and need no server.
LIGHT := $(sort $(filter adapters/%,$(NESTED)) cli examples/loggers examples/otel viewer viewer/sdktest)

.DEFAULT_GOAL := help
.PHONY: FORCE help picture test check vet build cross examples tidy tidy-workspaces lint vuln fmt bench bench-peers bench-spool soak fuzz integration viewer tools cc

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile

# Under the race detector nothing can be told about allocations, and what runs
# millions of records is cut short: that runs again without it.
test: cc ## test every module but bench and integration under the race detector; allocations and memory without
	CGO_ENABLED=1 $(GO) test -race ./...
	$(GO) test -run 'Alloc|Memory|Million|Ring|Every|Kill|Mutations|PowerLoss|Fault' ./...
	@set -e; for m in $(LIGHT); do echo "(cd $$m && $(GO) test -race ./...)"; ($(in_module) CGO_ENABLED=1 $(GO) test -race ./...); done
	m=cli; $(in_module) $(GO) test -run Rotation ./slogship # faster, so that more rotates between two kills

check: build vet cross tidy lint vuln ## build, vet, cross, tidy, lint, vuln: all that CI checks besides the tests
	@echo "check: passed"

build: ## build all of the root module, commands and examples among it
	$(GO) build -buildvcs=false -o /dev/null ./...

vet: ## go vet in every module
	$(GO) vet ./...
	@set -e; for m in $(NESTED); do \
		pkgs=$$($(in_module) $(GO) list ./... 2>&1) || { echo "$$pkgs"; exit 1; }; \
		case "$$pkgs" in *"matched no packages"*) echo "vet: no packages in $$m yet"; continue;; esac; \
		echo "(cd $$m && $(GO) vet ./...)"; ($(in_module) $(GO) vet ./...); \
	done

# The first two have an int of 32 bits: there the tests have to compile as well,
# which go vet sees to.
CROSS := linux/386 linux/arm windows/amd64 darwin/arm64

cross: ## build and vet the root module, the command and the viewer for other systems, and for 32 bits
	@set -e; for p in $(CROSS); do \
		echo "GOOS=$${p%/*} GOARCH=$${p#*/}"; export CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/}; \
		$(GO) build -buildvcs=false -o /dev/null ./...; $(GO) vet ./...; \
		(cd cli && GOWORK=$(CURDIR)/cli/go.work $(GO) build -buildvcs=false -o /dev/null ./... && GOWORK=$(CURDIR)/cli/go.work $(GO) vet ./...); \
	done

tidy: ## fail where go mod tidy would change a module
	@set -e; for m in $(filter-out $(WORKSPACES),$(MODULES)); do \
		echo "(cd $$m && $(GO) mod tidy -diff)"; (cd $$m && $(GO) mod tidy -diff) || \
		{ echo "tidy: $$m is not tidy: run 'go mod tidy' in it"; exit 1; }; \
	done
	@$(MAKE) --no-print-directory tidy-workspaces

# What tidy would do if the root module stood where their go.mod requires it.
tidy-workspaces:
	@set -e; t=$$(mktemp -d); trap 'rm -r "$$t"' EXIT; for m in $(WORKSPACES); do \
		echo "(cd $$m && $(GO) mod tidy -diff)"; \
		cp $$m/go.mod "$$t/tree.mod"; cp $$m/go.sum "$$t/tree.sum"; \
		$(GO) mod edit -replace github.com/slogship/slogship=$(CURDIR) "$$t/tree.mod"; \
		(cd $$m && $(GO) mod tidy -diff -modfile="$$t/tree.mod") || { echo "tidy: $$m is not tidy"; exit 1; }; \
	done

lint: $(BIN)/golangci-lint ## golangci-lint, and the format of every Go file in the tree
	$(BIN)/golangci-lint config verify
	@$(BIN)/golangci-lint fmt --diff || { echo "lint: not formatted: run 'make fmt'"; exit 1; }
	$(BIN)/golangci-lint run ./...
	@set -e; for m in $(WORKSPACES); do echo "(cd $$m && golangci-lint run ./...)"; ($(in_module) ../$(BIN)/golangci-lint run ./...); done

fmt: $(BIN)/golangci-lint ## format every Go file in the tree
	$(BIN)/golangci-lint fmt

# govulncheck ends with 3 where it found something. The one failure let pass is
# a database that cannot be reached. VULNDB names another one.
vuln: $(BIN)/govulncheck ## look for known vulnerabilities that the root module reaches
	@out=$$($(BIN)/govulncheck $(if $(VULNDB),-db $(VULNDB)) ./... 2>&1) && code=0 || code=$$?; \
	case "$$code:$$out" in \
	1:*"govulncheck: fetching vulnerabilities:"*) echo "vuln: SKIPPED, the vulnerability database cannot be reached"; exit 0;; \
	esac; \
	echo "$$out"; exit $$code

examples: ## build all examples and run the quickstart
	@test -d examples/quickstart || { echo "examples: examples/quickstart does not exist"; exit 1; }
	@echo "compiling the examples (the first time this takes a while)"
	$(GO) build -buildvcs=false -o /dev/null ./examples/...
	$(GO) run ./examples/quickstart

# benchstat wants six runs or more to tell a change from noise.
COUNT ?= 6
BENCH ?= .
BENCHTIME ?= 0.2s
NAME ?= latest

bench: $(BIN)/benchstat ## benchmarks to .bench/NAME.txt; BASE=name compares with an earlier run
	@mkdir -p .bench
	@test -z "$(BASE)" || test -f ".bench/$(BASE).txt" || { echo "bench: there is no .bench/$(BASE).txt"; exit 1; }
	@echo "$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -benchtime $(BENCHTIME) ./... > .bench/$(NAME).txt"
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) -benchtime $(BENCHTIME) ./... \
		> .bench/$(NAME).txt 2>&1 || { cat .bench/$(NAME).txt; exit 1; }
	@grep -q '^Benchmark' .bench/$(NAME).txt || { echo "bench: no benchmark matches '$(BENCH)'"; exit 1; }
	$(strip $(BIN)/benchstat $(if $(BASE),.bench/$(BASE).txt) .bench/$(NAME).txt)

bench-peers: ## compare with other shippers (nested module bench/)
	@test -f bench/Makefile || { echo "bench-peers: bench/Makefile does not exist"; exit 1; }
	$(MAKE) -C bench

picture: ## make the README's picture from a run of the quickstart
	$(GO) run ./examples/quickstart | grep -E '^ *[0-9.]+ s  |^ok |^FAILED' | $(GO) run ./docs/picture docs/quickstart

bench-spool: ## logs on disk side by side (nested module bench/spool/)
	$(MAKE) -C bench/spool

# Each target is a part, with its counts in the output. All together take an hour or
# so, and up to 20 GiB of disk; TMPDIR says where.
SOAK := SPOOL_SOAK=1 $(GO) test -v -count 1 -timeout 3h
SOAKS := soak-kill soak-rounds soak-power soak-bound soak-backlog soak-mutations soak-rest
.PHONY: $(SOAKS)
soak: $(SOAKS) ## the spool's long tests: kills, power loss, 10 GiB through a small one, 8 GiB of backlog, mutations

soak-kill: # 1,000 times kill -9, a spool alone
	$(SOAK) -run '^TestKill$$' ./internal/spool
soak-rounds: # end to end: 50 kills, twice, while the server fails at random and the Format changes
	$(SOAK) -run '^TestSpoolKill$$' .
soak-power: # more than 100,000 ways to lose power that are drawn at random, and every subset where there are few
	$(SOAK) -run '^TestPowerLoss$$' ./internal/spool
soak-bound: # 10 GiB through 4 MiB
	$(SOAK) -run '^TestBound$$' ./internal/spool
soak-backlog: # 8 GiB with GOMEMLIMIT=64MiB, a spool alone and through a Handler
	GOMEMLIMIT=64MiB $(SOAK) -run '^TestBacklogMemory$$' ./internal/spool
	$(SOAK) -run '^TestSpoolBacklog$$' .
soak-mutations: # of the spool's source: each has to fail its tests
	$(SOAK) -run '^TestMutationsOfTheSource$$' ./internal/spool
soak-rest: # every other test of internal/spool, in its long form
	$(SOAK) -skip '^Test(Kill|PowerLoss|Bound|BacklogMemory|MutationsOfTheSource)$$' ./internal/spool

FUZZTIME ?= 30s

# Go's default spends up to a minute on making one interesting input smaller.
fuzz: ## run every fuzz target of the root module for FUZZTIME each
	@set -e; n=0; pkgs=$$($(GO) list ./...); \
	for p in $$pkgs; do \
		found=$$($(GO) test -list '^Fuzz' $$p) || { echo "$$found"; exit 1; }; \
		for f in $$(echo "$$found" | grep '^Fuzz' || true); do \
			echo "fuzz: $$f in $$p for $(FUZZTIME)"; n=$$((n + 1)); \
			$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$p; \
		done; \
	done; \
	test $$n -gt 0 || { echo "fuzz: no fuzz target found"; exit 1; }; \
	echo "fuzz: $$n targets passed"

integration: ## test against real backends (nested module integration/)
	@test -f integration/Makefile || { echo "integration: integration/Makefile does not exist"; exit 1; }
	$(MAKE) -C integration

viewer: cc ## build and test the viewer (nested module viewer/); make -C viewer browser tests its pages
	$(MAKE) -C viewer build test

tools: $(BIN)/golangci-lint $(BIN)/govulncheck $(BIN)/benchstat ## build the pinned tools into .bin/

$(BIN)/golangci-lint: PKG := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(BIN)/govulncheck: PKG := golang.org/x/vuln/cmd/govulncheck
$(BIN)/benchstat: PKG := golang.org/x/perf/cmd/benchstat

$(BIN)/golangci-lint $(BIN)/govulncheck $(BIN)/benchstat: tools/go.mod tools/go.sum $(BIN)/go-version
	@echo "building $@$(if $(findstring golangci,$@), (this takes some minutes))"
	@cd tools && $(GO) build -buildvcs=false -trimpath -ldflags='-s -w' -o ../$@ $(PKG)
	@touch $@

# A linter built by one Go cannot read what another compiled: the file changes,
# and the tools are built again, when Go does.
$(BIN)/go-version: FORCE
	@mkdir -p $(BIN)
	@v=$$(cd tools && $(GO) env GOVERSION) && { [ "$$(cat $@ 2>/dev/null)" = "$$v" ] || echo "$$v" > $@; }

# The race detector is the one thing here that needs C.
cc:
	@cc=$$($(GO) env CC); \
	works() { echo '#include <stdlib.h>' | $$cc -x c -E - >/dev/null 2>&1; }; \
	works && exit 0; \
	if [ "$$cc" = gcc ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "test: no C compiler; installing gcc with apt-get"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends gcc libc6-dev && works && exit 0; \
	fi; \
	echo "test: the race detector needs a C compiler with its headers, and '$$cc' is not one."; \
	echo "Install one, for example: apt-get install gcc libc6-dev, dnf install gcc, apk add gcc musl-dev, or xcode-select --install"; \
	exit 1
