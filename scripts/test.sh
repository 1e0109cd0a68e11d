#!/usr/bin/env bash
# test.sh proves all that this machine can prove: the gates, the cross builds, the tests under the race detector, the
# bed tests on real init systems, and the tests as Windows programs on Wine. Nothing keeps the next part from running; what
# failed and what could not run is said again at the end.
#
#	BEDS=auto      (default) with beds where they can be had: as root on Debian or one of its kin
#	BEDS=require   beds that cannot be had are a failure
#	BEDS=off       without beds
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/debian.bash
. scripts/debian.bash

beds=${BEDS:-auto}
case $beds in
auto | require | off) ;;
*)
	printf 'BEDS must be auto, require or off, not "%s"\n' "$beds" >&2
	exit 2
	;;
esac

results=()
failed=0

# part TITLE COMMAND... shows what the command prints as it comes.
part() {
	local title=$1 begin=$SECONDS
	shift
	printf '\n=== %s\n' "$title"
	if "$@"; then
		results+=("ok       $title, $((SECONDS - begin))s")
	else
		results+=("FAILED   $title, $((SECONDS - begin))s")
		failed=1
	fi
}

skip() { results+=("SKIPPED  $*"); }

# The race detector needs a C compiler everywhere but on macOS.
race=(-race)
if [[ $(go env GOOS) != darwin ]] && ! need "$(go env CC)" gcc libc6-dev; then
	race=()
	skip 'the race detector: it needs a C compiler (Debian: sudo apt-get install gcc libc6-dev)'
fi

# Two parsers of property lists that have nothing to do with ours.
if ! need plser gnustep-base-runtime || ! need plistutil libplist-utils; then
	skip 'reading our property lists with other parsers (Debian: sudo apt-get install gnustep-base-runtime libplist-utils)'
fi

go_test() {
	if ((${#race[@]})); then export CGO_ENABLED=1; fi
	go test ${race[@]+"${race[@]}"} -count=1 "$@" # bash 3.2 takes an empty array for an unset variable
}

# in_beds lists the packages with tests that boot beds; not_in_beds lists the others.
in_beds() {
	go list -f '{{.ImportPath}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}' ./... |
		awk -v bed="$(go list -m)/test/bed" '{ for (i = 2; i <= NF; i++) if ($i == bed) { print $1; next } }'
}

not_in_beds() { go list ./... | grep -vxF "$(in_beds)"; }

build_beds() {
	local names
	names=$(scripts/beds.sh list | awk '{ print $1 }')
	# shellcheck disable=SC2086 # a list of names, split on purpose
	scripts/beds.sh build $names
}

# test_in_beds: one package at a time, because beds are machines and this is one machine.
test_in_beds() {
	local packages
	packages=$(in_beds)
	# shellcheck disable=SC2086 # a list of packages, split on purpose
	HOLDFAST_BEDS=require go_test -p 1 -timeout 20m $packages
}

# shellcheck disable=SC2046 # a list of packages, split on purpose
test_without_beds() { go_test -timeout 10m $(not_in_beds); }

# test_on_windows: all of it again as Windows programs, and what only they can do, on the service control manager of Wine.
test_on_windows() (
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	go build -o "$dir/winexec" ./test/winexec
	export GOOS=windows CGO_ENABLED=0 HOLDFAST_PROGRAMS=$dir HOLDFAST_WINDOWS=require
	go build -o "$dir/" ./examples/shipper
	go test -count=1 -timeout 15m -parallel 6 -exec "$dir/winexec" ./... # they wait more than they work
)

# test_bench: the benchmarks are a module of their own; this only sees that they measure what they say.
test_bench() (
	cd test/bench
	go_test -timeout 5m ./...
)

test_all_without_beds() { BEDS_DIR=/nonexistent go_test -timeout 10m ./...; }

# A function, because bash reads a script as it goes: who edits this file during a run must not change that run.
main() {
	part 'gates' scripts/gates.sh
	part 'cross builds' scripts/cross.sh
	part 'go test in test/bench' test_bench

	code=3
	if [[ $beds != off ]]; then
		printf '\n=== roots of the beds\n'
		code=0
		build_beds || code=$?
	fi
	if [[ $code == 0 ]]; then
		part "go test${race[*]+ ${race[*]}}" test_without_beds
		part 'go test in beds' test_in_beds
		part 'go test GOOS=windows, on Wine' test_on_windows
	else
		part "go test${race[*]+ ${race[*]}}, without beds" test_all_without_beds
		case $beds,$code in
		off,*) skip 'the beds, real init systems to test on: BEDS=off' ;;
		auto,3) skip "the beds, real init systems to test on: run on Debian: sudo env \"PATH=\$PATH\" make test" ;;
		*)
			results+=('FAILED   building the beds (BEDS=off goes without)')
			failed=1
			;;
		esac
	fi

	printf '\n=== in %ds\n' "$SECONDS"
	printf '%s\n' "${results[@]}"
	exit "$failed"
}

main
