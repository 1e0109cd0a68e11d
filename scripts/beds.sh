#!/bin/sh
# beds.sh builds the roots that the bed tests boot: small Debian systems with a real init (systemd 257, systemd 252,
# sysvinit, OpenRC), and one whose init is Wine with its service control manager. package test/bed boots throw-away copies of
# them.
#
# A root lies at $BEDS_DIR/NAME/root with its recipe beside it. It is built under another name and renamed when
# complete, so an interrupted build is never used, and built again when its recipe (suite, packages, preparation) changes.
set -eu

# The system's own programs, whatever the caller has in front of them: mmdebstrap runs perl and python3 by name.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

# Raise this when prepare() or the way a root is made changes: every root is then built again.
recipe_version=1

all_names='systemd257 systemd252 sysvinit openrc wine'

usage() {
	cat <<EOF
usage: beds.sh build [NAME...]   build the roots that are missing or out of date (default: all of them)
       beds.sh tools             install what building and booting need, and nothing else
       beds.sh list              print each root: name, state (built, stale, missing), init, suite, path
       beds.sh clean [NAME...]   remove roots (default: all of them) and what interrupted runs left
names: $all_names
Roots are kept in \$BEDS_DIR (default: \${XDG_CACHE_HOME:-\$HOME/.cache}/holdfast-beds), about 170 MB each, systemd257 540 MB, wine 1 GB.
BEDS_MIRROR=URL takes the packages from another Debian mirror than the default.
exit codes: 0 done, 1 failed, 2 usage, 3 this machine cannot build beds (not root, or not Debian)
EOF
}

say() { printf 'beds: %s\n' "$*"; }

# die CODE TEXT: one line on standard error and out.
die() {
	code=$1
	shift
	printf 'beds: %s\n' "$*" >&2
	exit "$code"
}

suite_of() {
	case $1 in
	# Wine 8, which bookworm has, cannot run what Go makes today: it lacks bcryptprimitives.dll.
	systemd257 | openrc | wine) echo trixie ;;
	systemd252 | sysvinit) echo bookworm ;;
	*) die 2 "unknown root \"$1\" (known: $all_names)" ;;
	esac
}

# packages_of NAME: what is asked for by name; dependencies follow, recommendations do not.
packages_of() {
	case $1 in
	# libpam-systemd and dbus-user-session: without them there is no user manager to test --scope=user with.
	# redis-tools, python3, nginx, PostgreSQL and Java are what examples/wrap has be services: the first has all of redis-server but
	# its service. In one root it is compared with tini and dumb-init.
	systemd257) echo systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,procps,udev,util-linux,tini,dumb-init,redis-tools,python3,nginx,postgresql-17,openjdk-21-jre-headless ;;
	systemd252) echo systemd,systemd-sysv,dbus,dbus-user-session,libpam-systemd,procps,udev,util-linux,redis-tools,python3,nginx,postgresql-15,openjdk-17-jre-headless ;;
	# python3 is also what Ansible needs of a machine: examples/fleet is played on twelve of them.
	sysvinit) echo sysvinit-core,sysv-rc,initscripts,insserv,procps,lsb-base,util-linux,redis-tools,python3,nginx,postgresql-15,openjdk-17-jre-headless ;;
	openrc) echo sysvinit-core,openrc,procps,util-linux,redis-tools,python3,nginx,postgresql-17,openjdk-21-jre-headless ;;
	wine) echo wine,wine64,procps,util-linux ;;
	*) die 2 "unknown root \"$1\" (known: $all_names)" ;;
	esac
}

# recipe NAME: everything a root depends on; its hash decides whether the root is still good.
recipe() {
	printf 'version %s\nsuite %s\npackages %s\n' "$recipe_version" "$(suite_of "$1")" "$(packages_of "$1")"
	[ "$1" != wine ] || printf 'init %s\nregistry %s\n' "$(sha256sum <"$here/wine-init.sh")" "$(wine_registry)"
}

recipe_hash() { recipe "$1" | sha256sum | cut -d ' ' -f 1; }

# state_of NAME: built, stale or missing.
state_of() {
	if [ ! -d "$beds_dir/$1/root" ] || [ ! -f "$beds_dir/$1/recipe" ]; then
		echo missing
	elif [ "$(sed -n 's/^hash //p' "$beds_dir/$1/recipe")" = "$(recipe_hash "$1")" ]; then
		echo built
	else
		echo stale
	fi
}

check_machine() {
	[ "$(id -u)" = 0 ] || die 3 "building beds needs root: run it with sudo"
	if [ ! -f /etc/debian_version ] || ! command -v apt-get >/dev/null; then
		die 3 "building beds needs Debian or a system derived from it (apt-get, /etc/debian_version)"
	fi
}

# install_tools installs what building and booting need, and only when something of it is missing.
install_tools() {
	missing=''
	while read -r program package; do
		command -v "$program" >/dev/null || missing="$missing $package"
	done <<EOF
mmdebstrap mmdebstrap
systemd-nspawn systemd-container
nsenter util-linux
flock util-linux
setpriv util-linux
mount mount
ps procps
ip iproute2
busybox busybox
EOF
	[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
	[ -n "$missing" ] || return 0
	say "installing$missing"
	log="$beds_dir/apt.log"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of package names, split on purpose
	if ! { apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 $missing; } \
		>"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		die 1 "install$missing: apt-get failed (whole log: $log)"
	fi
	rm -f "$log"
}

# prepare NAME ROOT removes what mmdebstrap copied from this machine and what only makes noise in a test host.
prepare() {
	root=$2
	echo bed >"$root/etc/hostname"
	printf '127.0.0.1\tlocalhost bed\n::1\tlocalhost ip6-localhost\n' >"$root/etc/hosts"
	rm -f "$root/etc/resolv.conf"
	: >"$root/etc/resolv.conf"
	case $1 in
	systemd*)
		# Nothing may start by itself while a test measures, and there is no terminal to log in at.
		for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
			console-getty.service getty.target nginx.service postgresql.service; do
			ln -sf /dev/null "$root/etc/systemd/system/$unit"
		done
		mkdir -p "$root/var/log/journal" # the journal is kept over a reboot of the bed
		: >"$root/etc/machine-id"        # each bed gets its own
		touch "$root/etc/.updated" "$root/var/.updated" # spares each boot ldconfig and its like (ConditionNeedsUpdate=)
		;;
	wine) prepare_wine "$root" ;;
	*)
		rm -f "$root"/etc/rc?.d/*nginx "$root"/etc/rc?.d/*postgresql "$root/etc/runlevels/default/nginx" "$root/etc/runlevels/default/postgresql"
		# No gettys: the bed has no tty1. The last line runs once everything of the runlevel was waited for: package
		# bed reads the console for it. And no file systems to check or mount: the disks are the host's.
		sed -i -e '/:respawn:.*getty/d' -e '/:ctrlaltdel:/d' "$root/etc/inittab"
		echo 'bed:2345:once:/bin/echo holdfast-bed-ready' >>"$root/etc/inittab"
		: >"$root/etc/fstab"
		;;
	esac
}

# wine_registry prints what is added to the registry: how long a service's new process has until it reports to the manager, in
# milliseconds. Windows has 30 s, Wine 10, in which a machine that is busy with many tests does not start a process; and where
# Windows has a number, Wine reads a string.
wine_registry() { printf '[System\\\\ControlSet001\\\\Control]\n"ServicesPipeTimeout"="%d"\n' 120000; }

# prepare_wine ROOT makes the C: drive, which would cost each bed some seconds, and gives the root its init.
prepare_wine() {
	log="$beds_dir/wine.log"
	# shellcheck disable=SC2016 # to be expanded by the inner shell
	if ! unshare --mount --pid --net --ipc --fork --kill-child --propagation private sh -euc '
		mount --rbind /dev "$1/dev"
		mount -t proc proc "$1/proc"
		export HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin WINEPREFIX=/wine WINEDEBUG=-all
		chroot "$1" wineboot --init
		chroot "$1" wineserver --wait
		test -s "$1/wine/system.reg"
		# Most of the drive are copies of what lies in /usr.
		chroot "$1" hardlink --ignore-time --ignore-mode --quiet /usr/lib /wine
	' sh "$1" >>"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		die 1 "build wine: making its drive failed (whole log: $log)"
	fi
	{
		echo
		wine_registry
	} >>"$root/wine/system.reg"
	for as in init telinit reboot; do
		install -m 755 "$here/wine-init.sh" "$1/sbin/$as"
	done
}

# build_locked NAME builds one root; the caller holds its lock.
build_locked() {
	name=$1
	state=$(state_of "$name")
	if [ "$state" = built ]; then
		say "$name: up to date"
		return 0
	fi
	new="$beds_dir/.new-$name"
	log="$beds_dir/$name.log"
	wipe "$new"
	mkdir -p "$new"
	say "$name: $state, building from $(suite_of "$name")"
	begin=$(date +%s)
	# In a mount namespace of its own: killed in the middle, mmdebstrap leaves /proc, /sys and /dev mounted in the root.
	# shellcheck disable=SC2086 # BEDS_MIRROR: nothing at all when it is empty
	# PostgreSQL's package would make a database, and Java's fails without a place for its manual.
	# shellcheck disable=SC2016 # $1 is the hook's
	if ! unshare --mount --propagation private mmdebstrap --variant=minbase --include="$(packages_of "$name")" \
		--essential-hook='mkdir -p "$1/etc/postgresql-common" "$1/usr/share/man/man1" && echo create_main_cluster = false >"$1/etc/postgresql-common/createcluster.conf"' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
		"$(suite_of "$name")" "$new/root" ${BEDS_MIRROR:-} >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		die 1 "build $name: mmdebstrap failed (whole log: $log)"
	fi
	prepare "$name" "$new/root"
	{
		printf 'hash %s\n' "$(recipe_hash "$name")"
		recipe "$name"
	} >"$new/recipe"
	sync -f "$new"
	drop "$name"
	mv "$new" "$beds_dir/$name"
	rm -f "$log"
	say "$name: built in $(($(date +%s) - begin)) s, $(du -sh "$beds_dir/$name" | cut -f 1)"
}

# drop NAME takes a root away in one step, then removes it.
drop() {
	[ -e "$beds_dir/$1" ] || return 0
	old="$beds_dir/.old-$1"
	wipe "$old"
	mv "$beds_dir/$1" "$old"
	wipe "$old"
}

# drop_all NAME removes a root and what interrupted builds of it left.
drop_all() {
	drop "$1"
	wipe "$beds_dir/.new-$1"
	wipe "$beds_dir/.old-$1"
	rm -f "$beds_dir/$1.log"
	say "$1: removed"
}

# wipe DIR removes a directory, and nothing when something is mounted in it: that would be this machine's own /proc or /dev.
wipe() {
	if grep -qF " $1/" /proc/self/mountinfo; then
		die 1 "remove $1: something is mounted in it (see /proc/self/mountinfo); unmount that first"
	fi
	rm -rf --one-file-system "$1"
}

# with_lock NAME FUNCTION: a booted bed holds the lock of its root shared, so a root is never changed under it.
with_lock() {
	(
		if ! flock -n 9; then
			say "$1: in use, waiting"
			flock -w 600 9 || die 1 "$1: still in use after 10 minutes (end the beds that run)"
		fi
		"$2" "$1"
	) 9>"$beds_dir/$1.lock"
}

# sweep removes the copies of beds whose test process was killed; a living bed holds the lock in its directory.
sweep() {
	for copy in "$beds_dir"/run/*/; do
		[ -d "$copy" ] || continue
		if grep -qF " $copy" /proc/self/mountinfo; then
			say "${copy%/}: something is mounted in it, left alone"
			continue
		fi
		flock -n "$copy" rm -rf --one-file-system "$copy" || say "${copy%/}: in use, left alone"
	done
}

list() {
	for name in $all_names; do
		printf '%-11s %-8s %-9s %s\n' "$name" "$(state_of "$name")" "$(suite_of "$name")" "$beds_dir/$name/root"
	done
}

[ $# -gt 0 ] || {
	usage >&2
	exit 2
}
command=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
beds_dir=${BEDS_DIR:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/holdfast-beds}
case $beds_dir in
/*) ;;
*) die 2 "BEDS_DIR must be an absolute path, not \"$beds_dir\"" ;;
esac
for name in "$@"; do
	suite_of "$name" >/dev/null
done

case $command in
tools | build)
	check_machine
	mkdir -p "$beds_dir"
	install_tools
	[ "$command" = build ] || exit 0
	[ $# -gt 0 ] || {
		# shellcheck disable=SC2086 # a list of names, split on purpose
		set -- $all_names
	}
	for name in "$@"; do
		# Who boots it holds its lock, and nothing has to be done.
		if [ "$(state_of "$name")" = built ]; then
			say "$name: up to date"
		else
			with_lock "$name" build_locked
		fi
	done
	;;
list) list ;;
clean)
	[ "$(id -u)" = 0 ] || die 3 "removing beds needs root: run it with sudo"
	[ -d "$beds_dir" ] || exit 0
	[ $# -gt 0 ] || {
		# shellcheck disable=SC2086 # a list of names, split on purpose
		set -- $all_names
	}
	for name in "$@"; do
		with_lock "$name" drop_all
	done
	sweep
	;;
help | -h | --help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
