#!/usr/bin/env bash
# test.sh proves all that this machine can prove: the gates, the cross builds, the tests under the race detector, the
# bed tests on real init systems, and the tests as Windows programs on Wine. They run side by side: who boots machines mostly
# waits, and the compilers, which are nice, take what is left. Nothing keeps the other parts from running; what failed, was
# skipped, had to wait and took longest is said again at the end.
#
#	BEDS=auto      (default) with beds where they can be had: as root on Debian or one of its kin
#	BEDS=require   beds that cannot be had are a failure
#	BEDS=off       without beds
#
# Where the start of a process takes long, a run has half of the bed tests and half of the packages on Wine, and the next commit's
# run has the other half:
#
#	HOLDFAST_HALF=0, 1    this half
#	HOLDFAST_HALF=        all of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/debian.bash
. scripts/debian.bash
# shellcheck source=scripts/lanes.bash
. scripts/lanes.bash

beds=${BEDS:-auto}
case $beds in
auto | require | off) ;;
*)
	printf 'BEDS must be auto, require or off, not "%s"\n' "$beds" >&2
	exit 2
	;;
esac

# What is missing is installed before anything else: only one can do that at a time.
skipped=()

# The race detector needs a C compiler everywhere but on macOS. All that is built without it is built without cgo: in the build
# cache everything, the standard library too, would be there once more.
export CGO_ENABLED=0
race=(-race)
if [[ $(go env GOOS) != darwin ]] && ! need "$(go env CC)" gcc libc6-dev; then
	race=()
	skipped+=('the race detector: it needs a C compiler (Debian: sudo apt-get install gcc libc6-dev)')
fi

# Two parsers of property lists that have nothing to do with ours.
if ! need plser gnustep-base-runtime || ! need plistutil libplist-utils; then
	skipped+=('reading our property lists with other parsers (Debian: sudo apt-get install gnustep-base-runtime libplist-utils)')
fi
# The gates say that they lack these.
need shellcheck shellcheck || true
need ansible-lint ansible-lint || true
# A test of the manual pages skips without it.
need mandoc mandoc || true

if ! take promtool prometheus; then
	skipped+=("what Prometheus' own tool says of metrics and alert rules (Debian: promtool, in the package prometheus)")
fi

if ! take etcd etcd-server; then
	skipped+=("the elector's faults with the etcd of the system (Debian: etcd, in the package etcd-server)")
fi

# Plays examples/fleet on beds.
if [[ $beds != off ]] && ! need ansible-playbook ansible-core; then
	skipped+=('the playbook of examples/fleet (Debian: sudo apt-get install ansible-core)')
fi

# Whether beds can be had: 0 yes, 3 not on this machine.
have_beds=3
if [[ $beds != off ]]; then
	have_beds=0
	scripts/beds.sh tools || have_beds=$?
fi

# start_takes prints how many microseconds the start of a process takes while another processor starts processes, too.
start_takes() {
	local begin=${EPOCHREALTIME/[.,]/} end
	for _ in 1 2; do
		for _ in {1..100}; do /bin/true; done &
	done
	wait
	end=${EPOCHREALTIME/[.,]/}
	printf '%d\n' "$(((end - begin) / 100))"
}

# Where that is more than this, all of the bed tests take more than an hour.
long_start=5000

if [[ $have_beds == 0 && -z ${HOLDFAST_HALF+set} ]]; then
	took=$(start_takes)
	if ((took > long_start)); then
		half=$(($(git rev-list --count HEAD 2>/dev/null || echo 0) % 2))
		export HOLDFAST_HALF=$half
		skipped+=("half of the bed tests and of the packages on Wine, because the start of a process takes $took µs here: HOLDFAST_HALF=$((1 - half)) make test, or HOLDFAST_HALF= for all")
	fi
fi

# A directory in memory, where there is plenty of it; only root can have one.
scratch=''
if [[ -r /proc/meminfo && $(id -u) == 0 ]] && (($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) > 6000000)); then
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/h.XXXX")
	if mount -t tmpfs -o mode=1777 tmpfs "$scratch" 2>/dev/null; then
		trap 'umount --lazy "$scratch" || true; rm -rf "$lanes_dir"; rmdir "$scratch" || true' EXIT
	else
		rmdir "$scratch"
		scratch=''
	fi
fi

report=$lanes_dir/report
notes=$lanes_dir/notes
go build -o "$report" ./test/report

# go_test STAGE ARGUMENTS... is go test. Each test has its own limit for what it waits for; where one hangs all the same, the
# limit of its package prints where it does. A package of bed tests takes ten minutes, and an hour on a machine that is much
# slower. Vet is one of the gates.
go_test() {
	local stage=$1
	shift
	# The programs that tests build are copied into beds and hashed there again and again: a third of each is for debuggers.
	export GOFLAGS="${GOFLAGS:-} -ldflags=-s"
	go test -json -count=1 -vet=off -timeout "${TEST_TIMEOUT:-75m}" "$@" | "$report" -stage "$stage" -notes "$notes" -progress "$progress"
}

# race_test is go_test under the race detector, if there is one. By default every process under it sleeps for a second before it
# exits, while other tests ask whether it has.
race_test() {
	local stage=$1
	shift
	if ((${#race[@]})); then export CGO_ENABLED=1 GORACE="${GORACE:-atexit_sleep_ms=0}"; fi
	go_test "$stage" ${race[@]+"${race[@]}"} "$@" # bash 3.2 takes an empty array for an unset variable
}

# compile: go commands that run side by side and lack the same package all compile it. So the others wait until what the tests
# need is in the build cache. Who tests links.
compile() {
	go list -export ./examples/... ./test/... >/dev/null
	if ((${#race[@]})); then export CGO_ENABLED=1; fi
	go list -export -test ${race[@]+"${race[@]}"} ./... >/dev/null
}

# in_beds lists the packages with tests that boot beds; not_in_beds lists the others.
in_beds() {
	go list -f '{{.ImportPath}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}' ./... |
		awk -v bed="$(go list -m)/test/bed" '{ for (i = 2; i <= NF; i++) if ($i == bed) { print $1; next } }'
}

# longest_first PACKAGE... puts those that take longest in front, so that the end of the run is not one of them alone.
longest_first() {
	local long
	for long in test/behaviour test/sockets test/kardianos test; do
		printf '%s\n' "$@" | grep -x "$(go list -m)/$long" || true
	done
	printf '%s\n' "$@" | grep -vx "$(go list -m)/test\(/behaviour\|/sockets\|/kardianos\)\?" || true
}

not_in_beds() { go list ./... | grep -vxF "$(in_beds)"; }

# test_without_beds: these tests sync all the time, and would all wait for one disk. What go builds stays there.
# shellcheck disable=SC2046 # a list of packages, split on purpose
test_without_beds() {
	if [[ -n $scratch ]]; then export GOTMPDIR=${GOTMPDIR:-${TMPDIR:-/tmp}} TMPDIR=$scratch; fi
	race_test race $(not_in_beds)
}

# test_bench: the benchmarks are a module of their own; this only sees that they measure what they say.
test_bench() (
	cd test/bench
	race_test bench ./...
)

# test_etcd: the elector on etcd is a module of its own. Without the race detector: the server of etcd, which runs in its tests,
# takes minutes to compile with it. One of its tests needs a bed.
test_etcd() (
	wait_for beds.over
	cd singleton/etcd
	if [[ -e $lanes_dir/beds ]]; then
		HOLDFAST_BEDS=require go_test etcd ./...
	else
		BEDS_DIR=/nonexistent go_test etcd ./...
	fi
)

# test_kubernetes: a module of its own, too. It has one goroutine, and with the race detector the types of Kubernetes take long
# to compile.
test_kubernetes() (
	cd test/kubernetes
	go_test kubernetes ./...
)

# build_beds: the one of Wine takes as long as all others together.
build_beds() {
	local names wine
	scripts/beds.sh build wine &
	wine=$!
	names=$(scripts/beds.sh list | awk '$1 != "wine" { print $1 }')
	# shellcheck disable=SC2086 # a list of names, split on purpose
	scripts/beds.sh build $names
	wait "$wine"
}

# test_in_beds: many machines at a time, for they wait more than they work; the five that play all scripts begin at once. Where
# the roots could not be built the rest of these packages is tested.
# shellcheck disable=SC2046 # a list of packages, split on purpose
test_in_beds() {
	if [[ $have_beds == 0 ]]; then
		export HOLDFAST_BEDS=require
	else
		export BEDS_DIR=/nonexistent
	fi
	race_test beds -p 4 -parallel 5 $(longest_first $(in_beds))
}

# test_on_windows: all of it again as Windows programs, and what only they can do, on the service control manager of Wine. What
# test has for ourselves, on Linux, is not tested there.
# shellcheck disable=SC2046 # a list of packages, split on purpose
test_on_windows() (
	dir=$(mktemp -d "$lanes_dir/windows.XXXXXX")
	go build -o "$dir/winexec" ./test/winexec
	export GOOS=windows CGO_ENABLED=0 HOLDFAST_PROGRAMS=$dir HOLDFAST_WINDOWS=require
	go build -ldflags=-s -o "$dir/" ./examples/shipper ./examples/wrap
	# Each package has a machine of its own. The one that takes longest comes first. Wine starts one service at a time, and who has
	# waited for that for half a minute is refused: no more than four ask.
	go_test Wine -parallel 4 -exec "$dir/winexec" ./test/windows $(go list ./... | grep -v "^$(go list -m)/test\(/\|\$\)" | halve)
)

# halve prints every other line, or all of them: see HOLDFAST_HALF.
halve() { awk -v half="${HOLDFAST_HALF:-}" 'half == "" || NR % 2 == half'; }

# wait_for NAME: for what another lane has come to.
wait_for() { until [[ -e $lanes_dir/$1 ]]; do sleep 0.2; done; }

# What only compiles and reads.
lane_compilers() {
	part 'gates' nice -n 10 scripts/gates.sh
	part 'cross builds' nice -n 10 scripts/cross.sh
}

lane_tests() {
	part 'compile the tests' compile
	touch "$lanes_dir/compiled"
	part "go test${race[*]+ ${race[*]}}" test_without_beds
	part 'go test in test/bench' test_bench
	part 'go test in singleton/etcd' test_etcd
	part 'go test in test/kubernetes' test_kubernetes
}

lane_beds() {
	if [[ $have_beds == 0 ]]; then
		part 'roots of the beds' build_beds
		have_beds=$last_code
	fi
	[[ $have_beds != 0 ]] || touch "$lanes_dir/beds"
	touch "$lanes_dir/beds.over"
	wait_for compiled
	local without=''
	[[ $have_beds == 0 ]] || without=', without them'
	part "go test in beds$without" test_in_beds
}

lane_wine() {
	wait_for beds.over
	if [[ -e $lanes_dir/beds ]]; then
		part 'go test GOOS=windows, on Wine' test_on_windows
	else
		leave_out 'go test GOOS=windows, on Wine: no bed to run it in'
	fi
}

# A function, because bash reads a script as it goes: who edits this file during a run must not change that run.
main() {
	case $beds,$have_beds in
	*,0) ;;
	off,*) skipped+=('the beds, real init systems to test on: BEDS=off') ;;
	auto,3) skipped+=("the beds, real init systems to test on: run on Debian: sudo env \"PATH=\$PATH\" make test") ;;
	*)
		results+=('FAILED   the beds cannot be had (BEDS=off goes without)')
		lanes_failed=1
		;;
	esac

	run_lanes lane_compilers lane_tests lane_beds lane_wine

	"$report" -end "$notes"
	printf '\n=== in %ds\n' "$SECONDS"
	printf '%s\n' "${results[@]}"
	for why in ${skipped[@]+"${skipped[@]}"}; do printf 'SKIPPED  %s\n' "$why"; done
	exit "$lanes_failed"
}

main
