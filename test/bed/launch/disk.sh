#!/bin/sh
# First part of every launch script; its first process is PID 1 of a new PID namespace in a new mount namespace, in the
# directory of the cached roots. $1 root (relative), $2 the bed's directory (relative), $3 its name, $4 its control group, and then the
# files and directories of the host to show.
set -eu
umask 022
# shellcheck disable=SC2034 # name and cgroup are for the script that follows
root=$1 bed=$2 name=$3 cgroup=$4
shift 4

# Private first: nothing mounted from here on may reach the host.
mount --make-rprivate /
mount -t proc -o nosuid,nodev,noexec proc /proc

# Relative names keep commas and colons out of the mount options. Volatile: a sync in the bed does not wait for the host's disk,
# of which nothing is wanted once the host is off; a bed whose power is cut has all that it wrote either way. The kernel leaves a
# mark, with which the layer could not be mounted again.
rm -rf "$bed/work/work/incompat"
layers=lowerdir=$root,upperdir=$bed/upper,workdir=$bed/work
# Where overlayfs does not work (the cache lies on an overlay itself, as in some CI containers) the root is copied, once. A kernel
# before 5.10 does not know volatile.
if [ ! -e "$bed/copied" ] && ! mount -t overlay -o "$layers,volatile" overlay "$bed/disk" &&
	! mount -t overlay -o "$layers" overlay "$bed/disk"; then
	echo "no overlay: copying $root"
	cp -a --reflink=auto "$root/." "$bed/disk/"
	cp -a "$bed/upper/." "$bed/disk/"
	: >"$bed/copied"
fi

for shown; do
	if [ -d "$shown" ]; then
		mkdir -p "$bed/disk$shown"
	elif [ ! -e "$bed/disk$shown" ]; then # it is there inside a directory that is shown
		mkdir -p "$bed/disk${shown%/*}"
		: >"$bed/disk$shown"
	fi
	mount --bind "$shown" "$bed/disk$shown"
	mount -o remount,bind,ro "$bed/disk$shown"
done
