#!/usr/bin/env bash
# cross.sh compiles every package, every program and every test for each system and processor that holdfast serves.
# Nothing is kept.
#
#	cross.sh             compiles for all
#	cross.sh PATTERN     compiles for those that match, e.g. cross.sh windows
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/stages.bash
. scripts/stages.bash

targets=(linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64 freebsd/amd64)

compile() {
	export GOOS=${1%/*} GOARCH=${1#*/} CGO_ENABLED=0
	go build ./...
	# -w spares the linker the debugging information, which is half of its work.
	go test -c -ldflags=-w -o /dev/null ./...
}

for target in "${targets[@]}"; do stage "cross $target" compile "$target"; done
run_stages cross "${1:-}"
