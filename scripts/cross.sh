#!/usr/bin/env bash
# cross.sh compiles every package, every program and every test for each system that holdfast serves, and checks the types of
# all of it for their second processor, and for illumos: what tells processors apart are names and sizes, and the code has no
# assembler.
# Nothing is kept, and only the programs are linked: linking fifty tests takes longer than compiling them, and they are linked
# where they run. gates.sh compiles for the same systems: the build cache has it only once.
#
#	cross.sh             for all
#	cross.sh PATTERN     for those that match, e.g. cross.sh windows
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/stages.bash
. scripts/stages.bash

compiled=(linux/amd64 darwin/amd64 windows/amd64 freebsd/amd64)
checked=(linux/arm64 darwin/arm64 windows/arm64 illumos/amd64)

compile() {
	export GOOS=${1%/*} GOARCH=${1#*/} CGO_ENABLED=0
	go build ./...
	go list -export -test ./... >/dev/null
}

for target in "${compiled[@]}"; do stage "cross $target" compile "$target"; done
stage "types ${checked[*]}" go run ./test/typecheck "${checked[@]}"
run_stages cross "${1:-}"
