#!/sbin/openrc-run
@MARK@
# shellcheck shell=sh disable=SC2034,SC2154 # openrc-run sets and reads variables
# shellcheck disable=SC1003,SC2016,SC2089,SC2090 # values are meant as they stand

description=@DESCRIPTION@
@SUPERVISOR@pidfile="/run/supervise-$RC_SVCNAME.pid"
extra_commands=@COMMANDS@
extra_started_commands=reload
description_checkconfig='Tell whether the configuration can be used'
description_reload='Have the service take its new configuration, and tell the outcome'

@DIRECTORIES@

depend() {
@DEPEND@
}

checkconfig() {
	@CHECK@
}

@DIRECTORY@

# Somebody else may start it at the same time: OpenRC's own lock lets two in now and then.
supervised() {
	read -r supervisor <"$pidfile" && [ "$(cat "/proc/$supervisor/comm")" = supervise-daemo ]
} 2>/dev/null

@RUN@
stop_pre() {
	[ "$RC_CMD" != restart ] || checkconfig
}

stop() {
	ebegin "Stopping $RC_SVCNAME"
@LEND@	stop_supervised
	eend $?
}

# supervise-daemon overlooks a SIGTERM that comes just before it waits for one, in open(2) of a FIFO (0.56), and
# --stop sends one and waits without end: one that still waits there is sent another.
stop_daemon() {
	(
		while sleep 1 && supervised; do
			! grep wait_for_partner "/proc/$supervisor/wchan" || kill "$supervisor"
		done
	) >/dev/null 2>&1 &
	again=$!
	supervise-daemon "$RC_SVCNAME" --stop --pidfile "$pidfile"
	stopped=$?
	kill "$again" 2>/dev/null
}

# Without its supervisor a service goes on alone: it is stopped all the same.
stop_supervised() {
	stopped=1
	@STOPDAEMON@
	left=$(@STOP@ 2>&1) && return 0
	case $? in
	@NOTINORDER@) # it had to be forced, and is gone
		ewarn "$left"
		return 0
		;;
	127) [ $stopped -ne 0 ] || return 0 ;; # the program's file is gone, and its process was stopped
	esac
	eerror "$left"
	return 1
}

reload() {
	ebegin "Reloading $RC_SVCNAME"
	@RELOAD@
	eend $?
}
