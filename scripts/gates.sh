#!/usr/bin/env bash
# gates.sh checks everything that can be told without running the code: format, go.mod, scripts, workflows, and what
# staticcheck and golangci-lint, which has all of vet, find for each system that holdfast serves: a linter that runs for Linux
# never sees a _windows.go.
#
#	gates.sh             runs all gates
#	gates.sh PATTERN     runs those whose title matches, e.g. gates.sh 'golangci.*windows'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/stages.bash
. scripts/stages.bash
# shellcheck source=scripts/debian.bash
. scripts/debian.bash

top=$PWD
systems=(linux windows darwin freebsd)

# tool NAME prints where the executable of a pinned tool lies. `go tool` itself cannot be used below: with GOOS=windows
# it would build the tool for Windows too. Without cgo: that part of the standard library is what the programs have.
tool() { CGO_ENABLED=0 go tool -modfile="$top/scripts/tools/go.mod" -n "$1"; }

build_tools() {
	local name
	for name in gofumpt actionlint staticcheck golangci-lint; do
		tool "$name"
	done
}

gofumpt_clean() {
	local dirty
	dirty=$("$(tool gofumpt)" -d . || true) # it fails when there is a difference, or when it cannot read a file
	printf '%s\n' "$dirty"
	[[ -z $dirty ]]
}

# in_module DIR COMMAND... runs a command in the module in that directory.
in_module() (
	cd "$1"
	"${@:2}"
)

# Those of the repository. What lies in platform are templates, whose results are checked by their tests.
shell_scripts() { find .ci/run scripts test/bed \( -name '*.sh' -o -name '*.bash' -o -name run \) -type f; }

scripts_parse() {
	shell_scripts | while read -r file; do
		case $(head -n 1 "$file") in
		'#!/bin/sh'*) sh -n "$file" ;;
		*) bash -n "$file" ;;
		esac
	done
}

shellcheck_clean() {
	need shellcheck shellcheck || return "$cannot_run"
	shell_scripts | xargs shellcheck
}

playbook_clean() (
	need ansible-lint ansible-lint || return "$cannot_run"
	cd examples/fleet
	ansible-playbook --syntax-check upgrade.yml
	ansible-lint --offline --nocolor upgrade.yml
)

workflows_clean() { "$(tool actionlint)" .github/workflows/*.yml; }

# One run over all systems: only so it knows that what Linux does not use, Windows does. Findings name their systems.
# ST1003 is left out: its list of initialisms disagrees with the names of the interfaces that we wrap (Uid, Gid and Pid in
# x/sys).
staticcheck_clean() {
	local os
	for os in "$@"; do printf '%s: GOOS=%s CGO_ENABLED=0\n' "$os" "$os"; done |
		"$(tool staticcheck)" -matrix -checks all,-ST1003 ./...
}

# Each system has a cache of its own: a finding must never be answered from another system's run.
golangci_clean() {
	local lint
	lint=$(tool golangci-lint)
	GOLANGCI_LINT_CACHE=$(go env GOCACHE)/golangci-lint-$1 GOOS=$1 CGO_ENABLED=0 "$lint" run ./...
}

stage 'tools (built on first use)' build_tools
stage 'gofumpt' gofumpt_clean
stage 'go mod tidy' go mod tidy -diff
stage 'scripts parse' scripts_parse
stage 'shellcheck' shellcheck_clean
stage 'actionlint' workflows_clean
stage 'ansible-lint' playbook_clean
stage "staticcheck ${systems[*]}" staticcheck_clean "${systems[@]}"
for os in "${systems[@]}"; do stage "golangci-lint GOOS=$os" golangci_clean "$os"; done
# The benchmark has a module of its own, runs on Linux only, and contains programs written as others write them.
stage 'test/bench: go mod tidy' in_module test/bench go mod tidy -diff
stage 'test/bench: staticcheck' in_module test/bench staticcheck_clean linux
stage 'test/bench: golangci-lint' in_module test/bench golangci_clean linux
# So has the elector on etcd, with its client.
stage 'singleton/etcd: go mod tidy' in_module singleton/etcd go mod tidy -diff
stage 'singleton/etcd: staticcheck' in_module singleton/etcd staticcheck_clean linux windows
stage 'singleton/etcd: golangci-lint' in_module singleton/etcd golangci_clean linux
# So has what reads definitions of containers, with the types of Kubernetes; it is the same on every system.
stage 'test/kubernetes: go mod tidy' in_module test/kubernetes go mod tidy -diff
stage 'test/kubernetes: golangci-lint' in_module test/kubernetes golangci_clean linux
run_stages gates "${1:-}"
