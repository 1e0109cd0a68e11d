#!/bin/sh
### BEGIN INIT INFO
# Provides:          feedd feeds
# Required-Start:    $remote_fs $syslog $network postgresql
# Required-Stop:     $remote_fs $syslog
# Should-Start:      $named mail
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Feeds
# Description:       Feeds everybody,
#                    and: then some
### END INIT INFO
PATH=/sbin:/usr/sbin:/bin:/usr/bin
DESC="Feeds everybody"
NAME=feedd
DAEMON=/usr/sbin/$NAME
DAEMON_ARGS="--options 'a b' --name ${NAME}"
PIDFILE=/var/run/$NAME.pid
USER=feed:feeders
[ -x "$DAEMON" ] || exit 0
case "$1" in
start) start-stop-daemon --start --exec $DAEMON -- $DAEMON_ARGS ;;
esac
