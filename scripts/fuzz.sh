#!/usr/bin/env bash
# fuzz.sh fuzzes each target for FUZZTIME (default: 10s), one after the other. What it finds is kept in the package's
# testdata/fuzz and fails `go test` from then on, until it is mended.
#
#	fuzz.sh             all targets
#	fuzz.sh PATTERN     those whose name matches, e.g. fuzz.sh Unit
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/stages.bash
. scripts/stages.bash

targets=$(go test -list '^Fuzz' ./...)

# Each package prints its targets, then "ok  	PACKAGE	0.1s".
names=()
while read -r first second _; do
	case $first in
	Fuzz*) names+=("$first") ;;
	ok)
		for name in ${names[@]+"${names[@]}"}; do
			stage "$name in $second" go test -run='^$' -fuzz="^$name\$" -fuzztime="${FUZZTIME:-10s}" "$second"
		done
		names=()
		;;
	esac
done <<<"$targets"
run_stages fuzz "${1:-}"
