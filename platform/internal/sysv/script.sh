#!/bin/sh
@MARK@
@HEADER@
# shellcheck disable=SC1003,SC2016,SC2089,SC2090 # values are meant as they stand

set -u
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
@DIRECTORIES@

program=@PROGRAM@

# Who runs, the program knows: by its lock, not by its PID file.
status() { @STATUS@ "$@"; }
running() { status >/dev/null 2>&1; }
check() { @CHECK@; }

# --pid or --pid-file: of who leads the service's processes, or is the service.
await() { @AWAIT@ "$@"; }

@DIRECTORY@

start() {
	! running || return 0
	check || return 6
@ANEW@@MAKE@	(
		trap '' HUP
@ENVIRONMENT@		exec @SPAWN@
	) </dev/null &
	pid=$!
	if await --pid "$pid"; then
		[ ! -d /var/lock/subsys ] || : >@SUBSYS@
		return 0
	fi
	if kill -0 "$pid" 2>/dev/null; then # it took too long
		stop
		kill -9 "$pid" 2>/dev/null # our child, so it is nobody else
	fi
	wait "$pid"
	code=$?
	[ "$code" -ne @REFUSED@ ] || ! await --pid-file @PIDFILE@ || return 0 # another start was faster
	echo @NAME@": see "@OUTPUT@ >&2
	case $code in
	77) return 4 ;;
	78) return 6 ;;
	esac
	return 1
}

stop() {
	@STOP@ || [ $? -eq @NOTINORDER@ ] || return 1 # that is: it had to be forced, and is gone
	rm -f @SUBSYS@
}

restart() {
	check || return 6 # before anything is stopped
@LEND@	stop && start
}

reload() {
	running || return 7
	@RELOAD@ || return 1
}

usage() {
	echo "usage: $0 start|stop|restart|try-restart|reload|force-reload|status" >&2
	exit 2
}

[ $# -gt 0 ] || usage
action=$1
shift
case $action in
status)
	[ -x "$program" ] || exit 4
	status "$@"
	exit
	;;
start | stop | restart | try-restart | reload | force-reload) ;;
*) usage ;;
esac
[ $# -eq 0 ] || usage
if [ ! -x "$program" ]; then
	echo "$program: is not installed" >&2
	exit 5
fi
if [ "$(id -u)" -ne 0 ]; then
	echo @NAME@": only root may $action it" >&2
	exit 4
fi
case $action in
try-restart) ! running || restart ;;
force-reload) reload ;;
*) "$action" ;;
esac
