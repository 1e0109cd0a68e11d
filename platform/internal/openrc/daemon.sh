spawn() {
	@SPAWN@ "$@"
}

start_pre() {
	checkconfig || return 1
	if @STATUS@ >/dev/null 2>&1 && ! supervised; then
		eerror "$RC_SVCNAME runs already, and OpenRC did not start it"
		return 1
	fi
@MAKE@	rm -f "$RC_SVCDIR/options/$RC_SVCNAME/ended"
	# supervise-daemon hides what goes wrong on the way to the program.
	spawn -- /bin/true
}

start() {
	ebegin "Starting $RC_SVCNAME"
	faster=false
	{ (
@ENVIRONMENT@		exec supervise-daemon "$RC_SVCNAME" --start --pidfile "$pidfile" \
			--retry @RETRY@ @RESPAWN@ -- \
			@SPAWN@ \
			--ended "$RC_SVCDIR/options/$RC_SVCNAME/ended" --restart @POLICY@ -- \
			@EXEC@
	) || { supervised && faster=true; }; } && @AWAIT@ --pid-file "$pidfile"
	eend $? "see "@OUTPUT@ && return 0
	$faster || stop_supervised
	return 1
}
