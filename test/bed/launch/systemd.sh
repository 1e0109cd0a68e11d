#!/bin/sh
# Boots a systemd root with systemd-nspawn, which tells package bed through NOTIFY_SOCKET when the systemd inside is up.
# Follows disk.sh.
# shellcheck disable=SC2154 # bed, name and cgroup are set there

# nspawn keeps locks and a directory for each machine here: out of the host's sight.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=0755 tmpfs /run/systemd/nspawn

# nspawn stays a child of this shell: as PID 1 it would log to /dev/console, which can be a real device and block, and the kernel
# would not hand this namespace's end on to it. When this shell is killed, all of the bed dies at once; nspawn alone, killed,
# leaves its container running.
(
	# nspawn takes the group it runs in for the bed: a group of its own keeps beds that run side by side apart.
	echo 0 >"$cgroup/machine/cgroup.procs"
	# With control groups of version 1 or both, show nspawn version 2 alone: it would otherwise leave groups behind in
	# name=systemd, and a systemd from 256 on does not start without version 2.
	# By a bind mount: a new mount of cgroup2 would change its options for the whole host.
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ] || mount --bind "${cgroup%/*}" /sys/fs/cgroup
	export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
	exec systemd-nspawn --quiet --settings=no --register=no --keep-unit --private-network --link-journal=no \
		--resolv-conf=off --timezone=off --console=read-only --notify-ready=yes --setenv=TERM=dumb \
		--machine="$name" --directory="$bed/disk" --boot
) &
wait "$!"
