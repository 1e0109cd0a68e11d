#!/bin/sh
# Boots a sysvinit, OpenRC or Wine root by hand, in namespaces for processes, mounts, host name, IPC and network that exist
# already: sysvinit's halt takes network interfaces down and unmounts what it finds. Follows disk.sh.
# shellcheck disable=SC2154,SC2164 # bed, name and cgroup are set there, and so is -e
disk=$bed/disk

hostname "$name"
ip link set lo up

mount --rbind "$disk" "$disk"
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$disk/run"
mount -t tmpfs -o mode=0755,nosuid tmpfs "$disk/dev"
for node in null zero full random urandom tty; do
	cp -a "/dev/$node" "$disk/dev/$node"
done
mkdir "$disk/dev/pts" "$disk/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5,nosuid,noexec devpts "$disk/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$disk/dev/shm"
ln -s pts/ptmx "$disk/dev/ptmx"
ln -s /proc/self/fd "$disk/dev/fd"
ln -s fd/0 "$disk/dev/stdin"
ln -s fd/1 "$disk/dev/stdout"
ln -s fd/2 "$disk/dev/stderr"

# The console is a FIFO that package bed reads from its other side; init opens it for each thing it says.
: >"$disk/dev/console"
mount --bind "$bed/console" "$disk/dev/console"

# Settings and devices are the host's: to look at, not to change. The boot id is the bed's own, a new one at each boot.
mount -t proc -o nosuid,nodev,noexec proc "$disk/proc"
mount --bind "$disk/proc/sys" "$disk/proc/sys"
mount -o remount,bind,ro,nosuid,nodev,noexec "$disk/proc/sys"
[ ! -e "$disk/proc/sysrq-trigger" ] || mount --bind /dev/null "$disk/proc/sysrq-trigger"
cat /proc/sys/kernel/random/uuid >"$disk/run/.boot_id"
mount --bind "$disk/run/.boot_id" "$disk/proc/sys/kernel/random/boot_id"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$disk/sys"

# OpenRC mounts control groups and makes its own at their root: that root has to be the bed's (unshare --cgroup).
echo 0 >"$cgroup/machine/cgroup.procs"

cd "$disk"
pivot_root . mnt
# setpriv: no say about the host's clock, modules, devices or kernel log, as systemd-nspawn has it too.
exec chroot . /bin/sh -c 'umount -l /mnt && exec env TERM=linux setpriv --inh-caps=-all \
	--bounding-set=-sys_time,-sys_module,-sys_rawio,-sys_pacct,-mknod,-syslog,-wake_alarm,-mac_admin,-mac_override \
	-- unshare --cgroup -- /sbin/init' </dev/null >/dev/console 2>&1
