#!/usr/bin/env bash
# run.sh shows a life: it builds examples/shipper and runs it in the foreground on a log of this machine. It becomes
# ready, takes a new configuration, and stops in order on ctrl-C. Nothing is installed, and nothing is left behind.
#
# Where nobody can press ctrl-C (standard input is no terminal), or with RUN_SECONDS=N, it is stopped after N seconds
# (default: 3) and the exit code is that of the whole demonstration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${RUN_SECONDS:-}
if [[ -z $seconds && ! -t 0 ]]; then seconds=3; fi

say() { printf '\n==> %s\n' "$*"; }

dir=$(mktemp -d)
guide=
finish() {
	if [[ -n $guide ]]; then kill "$guide" 2>/dev/null || true; fi
	rm -rf "$dir"
}
trap finish EXIT
mkdir -m 700 "$dir/run" "$dir/state"

shipper() { "$dir/shipper" --manager none --config "$dir/shipper.toml" --runtime-dir "$dir/run" --state-dir "$dir/state" "$@"; }

# A real log, if there is one that we may read and that is not empty.
log=
for candidate in /var/log/dpkg.log /var/log/syslog /var/log/messages /var/log/system.log /var/log/install.log /var/log/alternatives.log; do
	if [[ -r $candidate && -s $candidate ]]; then
		log=$candidate
		break
	fi
done

# configure MATCH
configure() {
	cat >"$dir/shipper.toml" <<TOML
[service]
stop_timeout = "10s"

[shipper]
inputs = [${log:+"'$log', "}'$dir/clock.log']
output = '$dir/shipped'
match = '$1'
TOML
}

shipped() { printf '%s has %s lines\n' "$dir/shipped" "$(wc -l <"$dir/shipped" | tr -d ' ')"; }

# tour is what a second person would do in another terminal. It returns 1 at the first thing that is not as it should be.
tour() {
	local try
	for ((try = 0; try < 100; try++)); do
		if shipper status >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	say 'ready: shipper status'
	shipper status || return
	shipped

	say "a new match in shipper.toml, then: shipper reload (waits for the outcome)"
	configure 'half|installed'
	shipper reload || return

	say 'a broken file is refused, and the service goes on with what it had: shipper reload'
	printf 'match = [\n' >>"$dir/shipper.toml"
	if shipper reload; then
		say 'the broken file was taken'
		return 1
	fi
	configure 'half|installed'
	shipper reload || return

	if [[ -z $seconds ]]; then
		say "$dir/clock.log grows by a line a second. Stop it with ctrl-C."
		return
	fi
	sleep "$seconds"
	shipped
	say 'shipper stop (waits until it is gone)'
	shipper stop
}

say 'go build ./examples/shipper'
go build -o "$dir/shipper" ./examples/shipper
configure '.'

say "shipper run, following ${log:+$log and }$dir/clock.log"
: >"$dir/clock.log"
{
	trap 'kill $(jobs -p) 2>/dev/null' EXIT
	trap 'exit' TERM
	while sleep 1; do date '+%H:%M:%S half past something' >>"$dir/clock.log"; done &
	code=0
	tour || code=$?
	if [[ -z $seconds ]]; then wait; fi # until ctrl-C has ended the shipper
	if [[ $code != 0 ]]; then shipper stop || true; fi
	exit "$code"
} &
guide=$!

trap : INT # ctrl-C is for the shipper; this script waits for it to end
code=0
shipper run || code=$?
say "shipper has ended with exit code $code"
shipped
if [[ -n $seconds ]] && ! wait "$guide" && [[ $code == 0 ]]; then code=1; fi
exit "$code"
