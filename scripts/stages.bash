# shellcheck shell=bash
# stages.bash runs many checks one after the other and shows where it is. It is sourced:
#
#	stage TITLE COMMAND...      adds a stage
#	run_stages NAME [PATTERN]   runs them all, or those whose title matches the regular expression; 1 if any failed
#
# A stage is one line, "[3/9] staticcheck GOOS=darwin ... ok 12s"; what its command printed is shown only if it failed. A
# failed stage does not keep the next from running.

# A stage that cannot run on this machine says why and returns this (the convention of automake's test driver): it is
# counted apart and repeated at the end, so that nobody takes it for a pass.
cannot_run=77

titles=()
commands=()

stage() {
	titles+=("$1")
	shift
	commands+=("$(printf '%q ' "$@")")
}

run_stages() {
	local name=$1 pattern=${2:-} count=${#titles[@]} ok=0 i code begin all=$SECONDS log
	local failed=() skipped=()
	log=$(mktemp)
	for ((i = 0; i < count; i++)); do
		[[ ${titles[i]} =~ $pattern ]] || continue
		printf '[%d/%d] %s ... ' "$((i + 1))" "$count" "${titles[i]}"
		begin=$SECONDS
		set +e # "|| code=$?" would switch set -e off inside the stage
		(
			set -e
			eval "${commands[i]}"
		) >"$log" 2>&1 </dev/null
		code=$?
		set -e
		case $code in
		0)
			ok=$((ok + 1))
			printf 'ok %ds\n' "$((SECONDS - begin))"
			;;
		"$cannot_run")
			skipped+=("${titles[i]}: $(tail -n 1 "$log")")
			printf 'SKIPPED\n'
			;;
		*)
			failed+=("${titles[i]}")
			printf 'FAILED %ds\n' "$((SECONDS - begin))"
			sed 's/^/    /' "$log"
			;;
		esac
	done
	rm -f "$log"
	printf '%s: %d ok, %d failed, %d skipped in %ds\n' "$name" "$ok" "${#failed[@]}" "${#skipped[@]}" "$((SECONDS - all))"
	# ${a[@]+...}: bash 3.2, which macOS has, takes an empty array for an unset variable.
	for i in ${skipped[@]+"${skipped[@]}"}; do printf '  skipped: %s\n' "$i"; done
	for i in ${failed[@]+"${failed[@]}"}; do printf '  failed:  %s\n' "$i"; done
	if ((ok + ${#failed[@]} + ${#skipped[@]} == 0)); then
		printf '  nothing to do is no success: no stage matches "%s"\n' "$pattern"
		return 1
	fi
	((${#failed[@]} == 0))
}
