# Everything is in scripts/, which says what it does and takes more options; this names it.

# To stamp a program with its commit, go asks a git that refuses where somebody else owns the checkout (containers, sudo).
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

.DEFAULT_GOAL := help
.PHONY: help run test long quick gates cross beds bench fuzz cover clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ## build examples/shipper and run it on a log of this machine (RUN_SECONDS=N: for so long)
	@scripts/run.sh

test: ## prove all that this machine can prove; with beds as root on Debian (BEDS=auto, require or off)
	@BEDS='$(BEDS)' scripts/test.sh

long: ## the same with every campaign played whole, where `make test` plays a slice: hours
	@TEST_TIMEOUT=24h HOLDFAST_FAULTS=all JOURNAL_KILLS=1000 JOBS_KILLS=200 JOBS_FAULTS=100 ETCD_FAULTS=1000 HOLDFAST_HALF= BEDS='$(BEDS)' scripts/test.sh

quick: ## go test, without beds and other long tests
	BEDS_DIR=/nonexistent go test -short -timeout 1h ./...

gates: ## format, vet, staticcheck, golangci-lint for every system; scripts and workflows (ONLY=PATTERN)
	@scripts/gates.sh '$(ONLY)'

cross: ## compile everything, tests too, for every system and processor (ONLY=PATTERN)
	@scripts/cross.sh '$(ONLY)'

beds: ## build the roots of the beds, real init systems to test on (root on Debian)
	@scripts/beds.sh build

bench: ## measure against bare Go and the peers, some minutes (FLAGS='-rounds 10' is quicker)
	cd test/bench && go run . $(FLAGS)

fuzz: ## fuzz each target for FUZZTIME (default 10s; ONLY=PATTERN)
	@scripts/fuzz.sh '$(ONLY)'

cover: ## how much of each package the tests reach (coverage.out)
	BEDS_DIR=/nonexistent go test -short -timeout 1h -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out | tail -n 1

clean: ## remove what make left here; the roots of the beds: scripts/beds.sh clean
	rm -f coverage.out coverage.html
	go clean -testcache
