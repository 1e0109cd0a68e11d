# The supervisor that a restart starts gets the sockets of the one that it stops from who lends them: see stop.
if [ "$RC_CMD" = restart ]; then
	HOLDFAST_LENDER=$PPID
	export HOLDFAST_LENDER
fi

# How it runs the program knows: by its lock.
running() { @STATUS@ >/dev/null 2>&1; }

start_pre() {
	checkconfig || return 1
	if running && ! @STATUS@ --json | grep -q '"started_by": "openrc"'; then
		eerror "$RC_SVCNAME runs already, and OpenRC did not start it"
		return 1
	fi
@MAKE@}

start() {
	ebegin "Starting $RC_SVCNAME"
	start_own || { eend 1 "see "@OUTPUT@; return 1; }
	eend 0
}

start_own() {
	if running; then # another start was faster
		@AWAIT@ --pid-file @PIDFILE@
		return
	fi
	stop_supervised || return 1 # a supervisor may be waiting to start it again
	(
		trap '' HUP
@ENVIRONMENT@		exec @SPAWN@
	) </dev/null &
	pid=$!
	@AWAIT@ --pid "$pid" && return 0
	if kill -0 "$pid" 2>/dev/null; then # it took too long
		stop_supervised
		kill -9 "$pid" 2>/dev/null # our child, so it is nobody else
	fi
	wait "$pid"
	[ $? -eq @REFUSED@ ] && @AWAIT@ --pid-file @PIDFILE@
}

status() {
	if service_started && ! service_starting && ! service_stopping && ! running; then
		eerror "status: crashed"
		return 32
	fi
	_status
}

report() {
	@STATUS@ --json
}
