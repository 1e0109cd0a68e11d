#!/bin/sh
# For RedHat and cousins:
# chkconfig: - 99 01
### BEGIN INIT INFO
# Provides:          /opt/example/example
# Required-Start:
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Go Service Example
# Description:       This is an example Go service.
### END INIT INFO

cmd="/opt/example/example -config /etc/example.json"

name=$(basename $(readlink -f $0))
pid_file="/var/run/$name.pid"
