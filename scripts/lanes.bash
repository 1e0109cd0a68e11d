# shellcheck shell=bash disable=SC2034 # the results are for who sources it
# lanes.bash runs parts of a long run side by side and keeps what they print apart. It is sourced:
#
#	part TITLE COMMAND...    in a lane: runs a command, and goes on whether it fails or not
#	leave_out WHY            tells of something that this run does not do
#	run_lanes LANE...        runs these functions, each a lane of parts one after the other, beside each other
#
# run_lanes leaves what it found in the array results, and in lanes_failed whether a part failed. It is not to be called in a
# condition: bash would switch set -e off in all parts.
#
# A part is told of when it begins; what it printed is shown when it has ended, all at once. While nothing else happens a
# line tells who is still at work. Of a part that keeps a line about its progress in the file $progress, that line is
# shown, else the last line that it printed.
#
# A signal ends every process of every lane.

# For how many seconds nothing is said before a line tells who is still at work.
heartbeat=${HEARTBEAT:-60}

# How many seconds who is asked to end has for it.
grace=${GRACE:-10}

results=()
lanes_failed=0
lanes_dir=$(mktemp -d)
lanes_pids=()

trap 'rm -rf "$lanes_dir"' EXIT

# say TEXT... sends a message to run_lanes; short enough to be written in one piece.
say() { printf '%s\n' "$*" >&3; }

part() {
	local title=$1 begin=$SECONDS before code log
	shift
	log=$(mktemp "$lanes_dir/log.XXXXXX")
	work_done "$log.times"
	before=$work
	say "begin $log $title"
	progress=$log.progress
	export progress
	set +e # "|| code=$?" would switch set -e off inside the part
	(
		set -e
		"$@"
	) >"$log" 2>&1 </dev/null
	code=$?
	set -e
	last_code=$code # for the lane
	work_done "$log.times"
	say "end $log $code $((SECONDS - begin)) $((work - before)) $title"
}

# work_done FILE sets work to the seconds of processor time that this lane's commands have taken. They go by way of FILE: a
# pipe or $(...) would be a process of its own, whose commands have taken none.
work_done() {
	times >"$1"
	work=$(awk 'NR == 2 { gsub(/[ms]/, " "); print int($1 * 60 + $2 + $3 * 60 + $4) }' "$1")
}

leave_out() { say "left $*"; }

run_lanes() {
	local lane what log rest code took work title open=$#
	mkfifo "$lanes_dir/said"
	exec 3<>"$lanes_dir/said" # for reading and writing: it never ends
	trap 'stop_lanes; exit 130' INT
	trap 'stop_lanes; exit 143' TERM
	trap 'stop_lanes; exit 129' HUP
	set -m # a process group for each lane, so that it can be ended whole
	for lane; do
		(
			set +m
			trap - EXIT INT TERM HUP
			"$lane"
			say "over $lane"
		) </dev/null &
		lanes_pids+=("$!")
	done
	set +m
	at_work=()
	while ((open > 0)); do
		if ! IFS=' ' read -r -t "$heartbeat" -u 3 what log rest; then
			tell_who_is_at_work
			all_alive || open=0
			continue
		fi
		case $what in
		begin)
			at_work+=("$log $SECONDS $rest")
			printf '%5ds  begins: %s\n' "$SECONDS" "$rest"
			;;
		end)
			IFS=' ' read -r code took work title <<<"$rest"
			no_longer_at_work "$log"
			end_part "$log" "$code" "${took}s (CPU ${work}s)" "$title"
			;;
		left) results+=("SKIPPED  $log $rest") ;;
		over) open=$((open - 1)) ;;
		esac
	done
}

# end_part LOG CODE TIME TITLE shows a part that has ended.
end_part() {
	printf '\n=== %s\n' "$4"
	cat "$1"
	if [[ $2 == 0 ]]; then
		results+=("ok       $4, $3")
		printf '%5ds  ends: %s, %s\n\n' "$SECONDS" "$4" "$3"
	else
		lanes_failed=1
		results+=("FAILED   $4, $3")
		printf '%5ds  FAILED: %s, %s\n\n' "$SECONDS" "$4" "$3"
	fi
}

no_longer_at_work() {
	local entry left=()
	for entry in ${at_work[@]+"${at_work[@]}"}; do # bash 3.2 takes an empty array for an unset variable
		[[ ${entry%% *} == "$1" ]] || left+=("$entry")
	done
	at_work=(${left[@]+"${left[@]}"})
}

tell_who_is_at_work() {
	local entry log since last
	for entry in ${at_work[@]+"${at_work[@]}"}; do
		log=${entry%% *}
		entry=${entry#* }
		since=${entry%% *}
		last=$log.progress
		[[ -e $last ]] || last=$log
		printf '%5ds  at work for %ds: %s: %s\n' "$SECONDS" "$((SECONDS - since))" "${entry#* }" "$(tail -n 1 "$last")"
	done
}

# all_alive fails when a lane died without a word: killed by somebody, or for want of memory. One that is over is a child, too.
all_alive() {
	local pid
	for pid in "${lanes_pids[@]}"; do
		kill -0 "$pid" 2>/dev/null && continue
		wait "$pid" && continue
		printf 'a lane has died (process %d)\n' "$pid"
		lanes_failed=1
		results+=('FAILED   a lane died: not all was run')
		stop_lanes
		return 1
	done
}

# stop_lanes ends all processes of all lanes, by force if need be.
stop_lanes() {
	local pid tries
	trap '' INT TERM HUP
	for pid in "${lanes_pids[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
	for ((tries = 0; tries < 5 * grace; tries++)); do
		any_group_left || return 0
		sleep 0.2
	done
	for pid in "${lanes_pids[@]}"; do kill -KILL -- "-$pid" 2>/dev/null || true; done
}

any_group_left() {
	local pid
	for pid in "${lanes_pids[@]}"; do kill -0 -- "-$pid" 2>/dev/null && return 0; done
	return 1
}
