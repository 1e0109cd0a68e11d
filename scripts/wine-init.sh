#!/bin/sh
# wine-init.sh is the init of the root "wine": process 1 of a machine that is Windows as far as its programs see. beds.sh puts it
# there as /sbin/init, and as telinit and reboot, which end it.
export HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin WINEPREFIX=/wine WINEDEBUG=-all XDG_RUNTIME_DIR=/run

# Whatever the runlevel: this machine only knows how to go down.
if [ $$ != 1 ]; then exec kill -TERM 1; fi

# Wine shuts Windows down, its services too, when the last program ends. This one waits for the end of a pipe, which no one but
# this shell may keep open.
mkfifo -m 600 /run/last-program
wine cmd /c more </run/last-program >/dev/null 2>&1 &
exec 3>/run/last-program

# The services are told of the shutdown and waited for.
trap 'exec 3>&-; wineserver --wait; exit 0' TERM

# Any program waits until Windows has started, its service manager above all.
wine cmd /c ver >/dev/null 2>&1 3>&-
echo holdfast-bed-ready
while :; do
	sleep 1000 3>&- &
	wait "$!"
done
