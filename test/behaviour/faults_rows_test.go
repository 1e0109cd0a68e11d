//go:build linux || darwin

package behaviour_test

import (
	"fmt"
	"slices"
)

// calm has events in the life of a healthy service that are no fault.
type calm struct{ on, when, script string }

// calms are played one after the other, on one service.
func calms() []calm {
	return []calm{
		{when: "after a restart", script: `$P restart`},
		{when: "after a reload", script: `$P reload`},
		{when: "when the PID file was removed and is back", script: `cp $R/$P.pid /tmp/app.pid; rm $R/$P.pid; until_ 'cmp $R/$P.pid /tmp/app.pid'`},
		{when: "when the runtime directory was emptied and is back", script: `rm -rf $R/*; until_ 'cmp $R/$P.pid /tmp/app.pid && test -s $R/$P.state.json'`},
		{when: "after an install that changed nothing", script: `$P install`},
		{when: "when a person has stopped it", script: `$P stop`},
		{when: "when it was started again", script: `$P start`},
		{on: "!launchd", when: "after a restart by the machine's own commands", script: `case $D in
*.service) systemctl restart $P ;;
*) service $P restart ;;
esac`},
	}
}

// catalogue returns all faults.
func catalogue() []fault {
	return slices.Concat(processFaults(), managerFaults(), configFaults(), programFaults(), directoryFaults(), endFaults(), alarmFaults(), upgradeFaults(), workFaults())
}

const (
	// never configures a service that is not restarted.
	never = `restart.policy = "never"`
	// feed configures a service with a user of its own.
	feed = `user = "feed"`
	// hang stops the process, so that it repairs no damage to its files.
	hang = `kill -STOP $(pid); `
	// stopped stops the service as a person would, and makes a place for its files.
	stopped = `$P stop; mkdir -p $R; `
)

// processFaults are faults of the lock, of the files beside it, and of processes.
func processFaults() []fault {
	return []fault{
		{name: "pid_file_left_empty", inject: stopped + `: >$R/$P.pid`, finds: "pid-file-left", fix: `.+`},
		{name: "pid_file_left_with_a_strangers_pid", inject: stopped + `sleep 31337 & echo $! >$R/$P.pid`, finds: "pid-file-left", fix: `.+`},
		{name: "pid_file_left_binary", inject: stopped + `head -c 5000 /dev/urandom >$R/$P.pid`, finds: "pid-file-left", fix: `.+`},
		{name: "pid_file_left_a_link", inject: stopped + `ln -s /etc/hostname $R/$P.pid`, finds: "pid-file-left", fix: `.+`},
		{name: "pid_file_left_a_directory", inject: stopped + `mkdir -p $R/$P.pid/x`, finds: "pid-file-left", fix: `.+`},
		{
			name:   "pid_file_a_directory", // nobody can put that right
			inject: `rm $R/$P.pid; mkdir -p $R/$P.pid/x`, finds: "pid-file-wrong", fix: `.+`,
			then: `until_ 'test -f $R/$P.pid'`,
		},
		{
			name: "pid_file_emptied_of_a_hung_one", inject: hang + `: >$R/$P.pid`, finds: "pid-file-wrong|not-answering", fix: `.+`,
			then: `until_ 'test -s $R/$P.pid'`,
		},
		{
			name:   "killed_and_its_pid_reused",
			inject: `killed; mkdir -p $R; sleep 31337 & echo $! >$R/$P.pid`, service: never, finds: "failed|not-running", fix: `shipper.* start`,
		},
		{
			name:   "lock_held_by_a_stranger",
			inject: stopped + `setsid flock $S/$P.mutex sleep 31337 >/dev/null 2>&1 & until_ '! flock -n $S/$P.mutex true'`,
			finds:  "lock-unnamed", hand: `pkill -f "sleep 3133[7]"; until_ 'flock -n $S/$P.mutex true'; $P start`,
		},
		{
			name: "second_process_without_the_lock",
			inject: `setsid $P run --runtime-dir /tmp/app.r --state-dir /tmp/app.s >/dev/null 2>&1 </dev/null &
until_ 'test -s /tmp/app.r/$P.pid'; cp /tmp/app.r/$P.pid /tmp/app.pid`,
			finds: "other-process", fix: `kill [0-9]+`, then: `until_ '! kill -0 $(cat /tmp/app.pid)'`,
		},
		{
			name: "started_by_hand", inject: stopped + `setsid $P run >/dev/null 2>&1 </dev/null & ready`,
			finds: "started-by-hand", fix: `shipper.* restart`,
		},
		{name: "hung", inject: hang + `sleep 2`, service: `watchdog = "0s"`, finds: "not-answering", fix: `.+`},
	}
}

// managerFaults are faults of the definition, and of how the manager understands it.
func managerFaults() []fault {
	return []fault{
		{name: "unit_edited", on: "systemd", inject: `sed -i s/^UMask=.*/UMask=0000/ $D; systemctl daemon-reload`, finds: "definition-outdated", fix: `shipper install --restart`},
		{name: "script_edited", on: "sysv openrc", inject: `echo '# theirs' >>$D`, finds: "definition-outdated", fix: `shipper install.*`},
		{
			name: "plist_edited", on: "launchd", inject: `sed -i 's,<key>Umask</key>,<key>Nice</key><integer>7</integer><key>Umask</key>,' $D`,
			finds: "definition-outdated", fix: `shipper.* install.*`,
		},
		{
			name:   "drop_in_shortens_the_stop",
			inject: `mkdir -p $D.d; printf '[Service]\nTimeoutStopSec=1s\n' >$D.d/x.conf; systemctl daemon-reload`,
			on:     "systemd", finds: "kill-timeout-short", fix: `.+`,
		},
		{
			name:   "drop_in_changes_the_user",
			inject: `mkdir -p $D.d; printf '[Service]\nUser=nobody\n' >$D.d/x.conf; systemctl daemon-reload`,
			on:     "systemd", finds: "definition-overridden", // which is somebody's own decision
		},
		{name: "masked", on: "systemd", inject: `$P stop; rm $D; ln -s /dev/null $D; systemctl daemon-reload`, finds: "masked", fix: `.+`},
		{
			name: "disabled",
			inject: `case $D in
*.service) systemctl disable $P ;;
*.plist) launchctl disable system/$P ;;
*) if command -v rc-update; then rc-update del $P default; else update-rc.d $P disable; fi ;;
esac`,
			finds: "disabled", fix: `.+`,
		},
		{
			name: "start_limit_hit", on: "systemd", service: "restart.max = 1\nrestart.window = \"1h\"",
			inject: `cp $R/$P.pid /tmp/app.pid; kill -9 $(pid); until_ '! cmp $R/$P.pid /tmp/app.pid && says "\"ready\":true"'
kill -9 $(pid); until_ '! systemctl show -p SubState --value $P | grep auto && systemctl is-failed $P'`,
			finds: "start-limit|gave-up", fix: `.*shipper.* start`,
		},
		{
			name: "gave_up", on: "sysv", service: "supervise = true\nrestart.max = 1\nrestart.window = \"1h\"",
			inject: `cp $R/$P.pid /tmp/app.pid; kill -9 $(pid); until_ '! cmp $R/$P.pid /tmp/app.pid && says "\"ready\":true"'
kill -9 $(pid); until_ 'says "\"gave_up\":true"'`,
			finds: "gave-up", fix: `shipper.* start`,
		},
		{
			name: "gave_up_and_says_nothing", on: "openrc", service: "supervise = true\nrestart.max = 1\nrestart.window = \"1h\"",
			inject: `cp $R/$P.pid /tmp/app.pid; kill -9 $(pid); until_ '! cmp $R/$P.pid /tmp/app.pid && says "\"ready\":true"'
kill -9 $(pid); until_ '! pgrep -x supervise-daemo && says "\"phase\":\"failed\""'`,
			finds: "failed|gave-up", fix: `shipper.* start`,
		},
		{name: "unit_gone", on: "systemd", inject: `rm $D; systemctl daemon-reload`, finds: "not-installed", fix: `shipper install.*`},
		{name: "script_gone", on: "sysv openrc", inject: `rm $D`, finds: "not-installed", fix: `shipper install.*`},
		{name: "plist_gone", on: "launchd", inject: `rm $D`, finds: "not-installed|definition-outdated", fix: `shipper.* install.*`},
		{
			name: "daemon_reload_pending", on: "systemd", finds: "definition-unread", fix: `systemctl daemon-reload`,
			inject: `cp $D /tmp/app.unit; echo 'Nice=7' >>$D; systemctl daemon-reload; cp /tmp/app.unit $D`,
		},
		{
			name: "init_script_left_under_systemd", on: "systemd", finds: "initd-leftover", fix: `.+`, undo: `rm -f /etc/init.d/shipper`,
			inject: `printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: shipper\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n' >/etc/init.d/shipper; chmod 755 /etc/init.d/shipper`,
		},
		{name: "rc_links_gone", on: "sysv", inject: `rm -f /etc/rc?.d/[SK]??$P`, finds: "disabled", fix: `.+`},
		{name: "rc_links_gone_of_the_runlevel", on: "sysv", inject: `rm -f /etc/rc2.d/S??$P`, finds: "misplaced", fix: `.+ && shipper install`},
		{name: "rc_links_gone_for_the_stop", on: "sysv", inject: `rm -f /etc/rc0.d/K??$P /etc/rc6.d/K??$P`, finds: "misplaced", fix: `.+ && shipper install`},
		{
			name: "rc_links_before_what_is_needed", on: "sysv", service: `after = ["appfirst"]`, finds: "misplaced", fix: `.+ && shipper install`,
			prepare: `printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: appfirst\n# Required-Start: $remote_fs\n# Required-Stop: $remote_fs\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\n' >/etc/init.d/appfirst; chmod 755 /etc/init.d/appfirst; update-rc.d appfirst defaults`,
			inject:  `mv /etc/rc2.d/S??$P /etc/rc2.d/S00$P`, undo: `update-rc.d -f appfirst remove; rm -f /etc/init.d/appfirst`,
		},
		{name: "script_not_executable", on: "sysv openrc", inject: `chmod 644 $D`, finds: "definition-broken|definition-outdated", fix: `.+`},
		{name: "definition_writable_by_all", inject: `chmod 666 $D`, finds: "definition-outdated|definition-broken", fix: `.+`},
		{
			name: "definition_of_somebody_else", on: "!launchd",
			inject: `$P uninstall; case $D in
*.service) printf '[Service]\nExecStart=/bin/sleep 31337\n' >$D; systemctl daemon-reload ;;
*) printf '#!/bin/sh\nexit 3\n' >$D; chmod 755 $D ;;
esac`,
			finds: "definition-foreign", fix: `shipper install --adopt.*`,
		},
		{
			long: true, name: "linger_missing", on: "systemd", as: "tester", shipper: `output = "/home/tester/app.out"`, finds: "login-only|manager-silent", fix: `.*loginctl enable-linger tester`,
			inject: `loginctl disable-linger tester`, then: `until_ 'runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/$(id -u tester) shipper status'`, undo: `loginctl enable-linger tester`,
		},
	}
}

// configFaults are faults of the configuration file, and settings that are not in force.
func configFaults() []fault {
	return []fault{
		{name: "unknown_key", inject: `edit s/^stop_timeout/stop_timeuot/`, finds: "config-bad", hand: `edit s/timeuot/timeout/`},
		{name: "bad_value", inject: `edit 's/^stop_timeout.*/stop_timeout = "soon"/'`, finds: "config-bad", hand: `edit 's/^stop_timeout.*/stop_timeout = "5s"/'`},
		{name: "no_toml", inject: `echo '[[[' >>$C`, finds: "config-bad", hand: `edit '$d'`},
		{name: "unknown_table", inject: `printf '[shiper]\nx = 1\n' >>$C`, finds: "config-bad", hand: `edit '/shiper/,$d'`},
		{name: "program_table_wrong", inject: `edit 's/^output.*/output = "relative"/'`, finds: "config-bad", hand: `edit 's,^output.*,output = "/var/lib/shipper/out",'`},
		{name: "config_gone", inject: `mv $C /tmp/app.toml`, finds: "config-bad", hand: `mv /tmp/app.toml $C`},
		{name: "config_a_directory", inject: `mv $C /tmp/app.toml; mkdir $C`, finds: "config-bad", hand: `rmdir $C; mv /tmp/app.toml $C`},
		{name: "config_not_for_its_user", service: feed, inject: `chmod 600 $C`, finds: "config-closed", fix: `.+`},
		{name: "config_writable_by_all", inject: `chmod 666 $C`, finds: "config-writable", fix: `chmod .+`},
		{name: "config_of_another_user", inject: `chown nobody $C`, finds: "config-writable", fix: `chown .+`},
		{name: "config_wants_a_restart", service: `supervise = true`, inject: `edit 's/^stop_timeout.*/stop_timeout = "4s"/'; edit 's/^start_timeout.*/start_timeout = "61s"/'`, finds: "definition-outdated|restart-due", fix: `shipper.* (install --restart|restart).*`},
		{name: "config_wants_an_install", inject: `edit 's/^stop_timeout.*/stop_timeout = "7s"/'`, finds: "definition-outdated|restart-due", fix: `shipper.* (install --restart|restart).*`},
		{
			name: "reload_failed", inject: `edit 's/^\[shipper\]/[shipper]\nmatch = "("/'; ! $P reload`,
			finds: "config-bad", hand: `edit /^match/d; $P reload`,
		},
		{
			name: "reload_failed_and_the_file_mended", inject: `edit 's/^\[shipper\]/[shipper]\nmatch = "("/'; kill -HUP $(pid); until_ 'says "\"failed\":1"'; edit /^match/d`,
			finds: "reload-failed", fix: `shipper.* reload`,
		},
	}
}

// programFaults are faults of the program's file, and of the user that runs it.
func programFaults() []fault {
	const keep = `cp -p /usr/local/bin/$P /usr/local/lib/$P.orig; cd /usr/local/bin; `
	return []fault{
		{
			name: "program_gone", inject: keep + `cp $P /tmp/app.doctor; mv $P .$P`, ask: `/tmp/app.doctor`,
			finds: "program-gone", hand: `mv /usr/local/bin/.$P /usr/local/bin/$P`, undo: `mv /usr/local/bin/.$P /usr/local/bin/$P`,
		},
		{name: "program_not_executable", inject: keep + `cp $P /tmp/app.doctor; chmod 644 $P`, ask: `/tmp/app.doctor`, finds: "program-closed", fix: `chmod .+ /usr/local/bin/shipper`},
		{name: "program_not_for_its_user", service: feed, inject: keep + `chmod 700 $P`, finds: "program-closed", fix: `chmod .+ /usr/local/bin/shipper`},
		{name: "program_newer", inject: keep + `cp $P .$P; echo x >>.$P; mv .$P $P`, finds: "program-newer", fix: `shipper.* restart`},
		{name: "program_of_another_user", inject: keep + `chown nobody $P`, finds: "program-writable", fix: `chown .+`},
		{name: "program_writable_by_all", inject: keep + `chmod 777 $P`, finds: "program-writable", fix: `chmod .+`},
		{
			name: "mounted_noexec", on: "!launchd", inject: `cp /usr/local/bin/$P /tmp/app.doctor; mount --bind /usr/local/bin /usr/local/bin; mount -o remount,noexec,bind /usr/local/bin`,
			ask: `/tmp/app.doctor`, finds: "program-closed", fix: `mount .+`, undo: `umount -l /usr/local/bin`,
		},
		{name: "user_missing", service: feed, inject: `$P stop; userdel feed`, finds: "account-missing|config-bad", fix: `.+`, on: "!launchd"},
		{name: "working_directory_gone", service: `working_directory = "/var/log/app.wd"`, prepare: `mkdir /var/log/app.wd`, inject: `rm -rf /var/log/app.wd`, finds: "directory-needed|config-bad", fix: `.+`},
	}
}

// directoryFaults are faults of what the service writes to: directories, file systems,
// records.
func directoryFaults() []fault {
	const logFile = "log.sink = \"file\"\nlog.file = \"/var/log/shipper/app.log\""
	const syslog = `perl -e 'use IO::Socket::UNIX; $0 = "syslogd of the catalogue"; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => "/dev/log"); recv($s, $_, 9999, 0) while 1' >/dev/null 2>&1 </dev/null & until_ 'test -S /dev/log'; chmod 666 /dev/log`
	const small = `$P stop; mkdir -p $S; mount -t tmpfs -o mode=755,`
	return []fault{
		{name: "state_directory_of_another_user", service: feed, inject: `chown root $S`, finds: "directory-owner", fix: `chown .+`},
		{name: "state_directory_open_to_all", inject: `chmod 777 $S`, finds: "directory-open", fix: `chmod .+`},
		{name: "state_directory_closed", service: feed, inject: `chmod 500 $S`, finds: "directory-mode", fix: `chmod .+`},
		{long: true, name: "state_directory_gone", service: feed, inject: `rm -rf $S`, finds: "directory-missing", fix: `(mkdir|shipper restart).*`, then: `until_ 'test -s $S/$P.lock'`},
		{name: "state_directory_a_file", inject: stopped + `rm -rf $S; touch $S`, finds: "directory-missing", fix: `mv .+`, then: `$P start`},
		{name: "state_directory_a_dead_link", inject: stopped + `rm -rf $S; ln -s /nowhere $S`, finds: "directory-missing", fix: `mv .+`, then: `$P start`},
		{name: "log_directory_of_another_user", service: feed + "\n" + logFile, inject: `chown root $L`, finds: "directory-owner", fix: `chown .+`},
		{
			name: "log_file_unwritable", service: feed + "\n" + logFile, inject: stopped + `chown root $L/*; chmod 600 $L/*`,
			finds: "log-unreachable", fix: `.+`,
		},
		{
			name: "syslog_away", service: `log.sink = "syslog"`, on: "sysv openrc launchd", prepare: syslog,
			inject: `pkill -f "syslogd of the [c]atalogue"; rm /dev/log`, finds: "log-unreachable", undo: `pkill -f "syslogd of the [c]atalogue"; rm -f /dev/log`,
		},
		{name: "runtime_directory_of_another_user", service: feed, inject: `chown nobody $R`, finds: "directory-owner", fix: `.+`},
		{name: "runtime_directory_open_to_all", inject: `chmod 777 $R`, finds: "directory-open", fix: `.+`},
		{name: "runtime_directory_a_file", inject: `$P stop; rm -rf $R; touch $R`, finds: "directory-missing", fix: `mv .+`, then: `$P start`, undo: `rm -f $R`},
		{
			name: "disk_full", inject: small + `size=64k tmpfs $S; $P start; head -c 1000000 /dev/zero >$S/big || true`,
			finds: "disk-full", hand: `rm $S/big`, undo: `umount -l $S`,
		},
		{
			name: "disk_full_at_start", inject: small + `size=64k tmpfs $S; head -c 1000000 /dev/zero >$S/big || true; ! $P start`,
			finds: "disk-full", hand: `rm $S/big; $P start`, undo: `umount -l $S`,
		},
		{
			name: "inodes_used_up", inject: small + `nr_inodes=40 tmpfs $S; $P start; i=0; while touch $S/f$i 2>/dev/null; do i=$((i+1)); done`,
			finds: "inodes-full", hand: `rm $S/f*`, undo: `umount -l $S`,
		},
		{
			long: true, name: "state_read_only", inject: small + `size=1m tmpfs $S; mount -o remount,ro $S`,
			finds: "read-only", fix: `mount .+`, undo: `umount -l $S`,
		},
		{
			long: true, name: "install_record_damaged", inject: `for f in $(find /var/lib/holdfast -name '*.json'); do echo '{' >$f; done`,
			finds: "record-unreadable", fix: `.+`,
		},
		{long: true, name: "last_run_record_damaged", inject: stopped + `echo '{' >$S/$P.lastrun.json`, finds: "last-run-unreadable", fix: `shipper.* start`},
		{
			long: true, name: "state_file_damaged_of_a_hung_one", // any other mends it in a moment
			inject: hang + `echo '{' >$R/$P.state.json`, finds: "state-file-missing|not-answering", fix: `.+`, then: `ready`,
		},
		{long: true, name: "clock_behind", inject: stopped + `sed -i 's/"202[0-9]-/"2099-/g' $S/$P.lastrun.json`, finds: "clock-behind"},
	}
}

// endFaults are bad ways in which a run ends, or goes on.
func endFaults() []fault {
	return []fault{
		{name: "killed", service: never, inject: `killed`, finds: "failed|not-running", fix: `shipper.* start`},
		{
			name: "fails_at_start", version: "fragile", service: never, inject: `touch /var/log/app.hold-start; ! $P restart`,
			finds: "failed|not-running", hand: `rm /var/log/app.hold-start`, fix: `shipper.* start`,
		},
		{
			name: "panicked", version: "bursts", service: never, inject: `touch /var/log/app.hold-panic; dead; rm /var/log/app.hold-panic`,
			finds: "failed|not-running", fix: `shipper.* start`,
		},
		{
			long: true, name: "crash_loop", version: "fragile", service: "restart.delay = \"1s\"\nrestart.max = 1000\nrestart.window = \"1h\"\nsupervise = true",
			inject: `touch /var/log/app.hold-start; kill -9 $(pid); until_ "says '\"restarts\":\([3-9]\|[1-9][0-9]\)'"`,
			finds:  "restart-loop", hand: `rm /var/log/app.hold-start; $P stop; $P start`,
		},
		{
			name: "never_ready", version: "fragile", service: never + "\nstart_timeout = \"60s\"",
			inject: `touch /var/log/app.hold-start; edit 's/^start_timeout.*/start_timeout = "1s"/'; $P install; ! $P restart`,
			finds:  "failed|not-running", hand: `rm /var/log/app.hold-start`, fix: `shipper.* start`,
		},
		{name: "stop_overran", shipper: `stop_delay = "1h"`, service: never + "\nstop_timeout = \"1s\"", inject: `! $P stop`, finds: "failed|not-running|last-run-unclean", fix: `shipper.* start`},
		{
			long: true, name: "health_lost", version: "recovers", service: `health_interval = "200ms"`, inject: `touch /var/log/app.hold-health; until_ "says '\"ok\":false'"`,
			finds: "health-failing", hand: `rm /var/log/app.hold-health; until_ "! says '\"ok\":false'"`,
		},
		{
			long: true, name: "hardening_denies", on: "systemd", service: never, inject: `edit 's,^output.*,output = "/srv/out",'; ! $P restart`, finds: "hardening-denial",
			hand: `printf '[service.hardening]\nread_write_paths = ["/srv"]\n' >>$C; $P install; $P start`, undo: `rm -f /srv/out`,
		},
		{
			long: true, name: "port_without_the_capability", version: "listens", service: feed + "\n" + never, prepare: `echo 127.0.0.1:4000 >/var/log/app.listen`,
			inject: `sysctl -q -w net.ipv4.ip_unprivileged_port_start=1024 || true; echo 127.0.0.1:80 >/var/log/app.listen; ! $P restart`, finds: "port-privileged",
		},
		{
			name: "port_in_use", version: "listens", service: never, prepare: `echo 127.0.0.1:4000 >/var/log/app.listen`,
			inject: `perl -e 'use IO::Socket::INET; $0 = "listener of the catalogue"; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:4001", Listen => 1) or die; sleep 31337' >/dev/null 2>&1 </dev/null &
until_ 'grep -q 0100007F:0FA1 /proc/net/tcp'; echo 127.0.0.1:4001 >/var/log/app.listen; ! $P restart`,
			finds: "port-in-use", hand: `pkill -f "listener of the [c]atalogue"; until_ '! grep -q 0100007F:0FA1.*0A /proc/net/tcp'; $P start`, undo: `pkill -f "listener of the [c]atalogue"`,
		},
		{
			name: "files_nearly_used", on: "!launchd", // whose double sets no limits
			version: "hoards", service: "limits.nofile = 64", inject: `touch /var/log/app.hold-files; $P restart`,
			finds: "files-nearly-used", hand: `rm /var/log/app.hold-files; edit 's/^limits.nofile.*/limits.nofile = 4096/'; $P install --restart`,
		},
	}
}

// alarmFaults are faults of the delivery of alarms.
func alarmFaults() []fault {
	const deaf = `printf '#!/bin/sh\ncat >/dev/null; test -e /var/log/app.hears\n' >/etc/$P/tell; chmod 755 /etc/$P/tell`
	return []fault{{
		long: true, name: "alarm_command_fails", service: `alarm.command = ["/etc/shipper/tell"]`, prepare: deaf,
		inject: `rm $R/$P.pid; until_ 'says "\"pending\":[1-9]" && says "\"in_a_row\":[1-9]"'`,
		finds:  "alarm-undelivered", hand: `touch /var/log/app.hears; $P restart; until_ 'says "\"pending\":0"'`,
	}}
}

func upgradeFaults() []fault {
	const prepared = `cp -p /usr/local/bin/$P /usr/local/lib/$P.orig; cp /usr/local/lib/candidate /var/log/app-2; `
	return []fault{
		{
			long: true, name: "upgrade_rolled_back", version: "good", inject: prepared + `printf '\nholdfast-candidate: 2 fails\n' >>/var/log/app-2; ! $P upgrade /var/log/app-2 --settle 1s`,
			finds: "upgrade-rolled-back",
		},
		{
			long: true, name: "upgrade_on_trial", version: "good", finds: "upgrade-on-trial",
			inject: prepared + `printf '\nholdfast-candidate: 2 good\n' >>/var/log/app-2
$P upgrade /var/log/app-2 --settle 1h --timeout 2h >/dev/null 2>&1 </dev/null & until_ "says '\"trial\"'"`,
			undo: `kill $(cat /run/holdfast/*.upgrade.pid); until_ '! says "\"trial\""'`,
		},
		{
			long: true, name: "upgrade_interrupted", version: "good",
			inject: prepared + `printf '\nholdfast-candidate: 2 good\n' >>/var/log/app-2
$P upgrade /var/log/app-2 --settle 1h --timeout 2h >/dev/null 2>&1 & up=$!
until_ "says '\"trial\"'"
kill -9 $up $(cat /run/holdfast/*.upgrade.pid)`,
			finds: "upgrade-interrupted", fix: `.+`,
		},
	}
}

// workFaults are faults that a journal of work shows, in examples/jobs.
func workFaults() []fault {
	const (
		job     = "[[jobs.job]]\nname = \"work\"\nrerun_if_interrupted = %s\ncommand = [\"sh\", \"-c\", %q]\n"
		trigger = `$P trigger work; `
		// deadly kills the service that it belongs to, and its own keeper, until the file
		// "harmless" exists.
		deadly = "test -e /var/lib/jobs/harmless || kill -9 $(cat /run/jobs/jobs.pid) $PPID"
		long   = "test -e /var/lib/jobs/harmless || sleep 31337"
	)
	return []fault{
		{
			long: true, name: "poison_work", prog: "jobs", on: "systemd openrc", service: "restart.max = 1000",
			shipper: fmt.Sprintf(job, "true", deadly), inject: trigger + `until_ 'says "\"set_aside\":1" && says "\"ready\":true"'`,
			finds: "work-set-aside", hand: `touch /var/lib/jobs/harmless; $P work abort $($P work list | sed -n "s/^\([0-9]*\) .*set.aside.*/\1/p"); until_ 'says "\"set_aside\":0"'; $P restart`,
		},
		{
			long: true, name: "work_interrupted_and_not_run_again", prog: "jobs", on: "!launchd", service: never,
			shipper: fmt.Sprintf(job, "false", long),
			inject:  trigger + `until_ 'says "\"begun\":1"'; killed; pkill -f "sleep 3133[7]" || true; $P start; until_ 'says "\"interrupted\":1"'`,
			finds:   "work-interrupted", hand: `$P work abort 1; until_ 'says "\"interrupted\":0"'`,
		},
		{
			long: true, name: "journal_damaged", prog: "jobs", on: "!launchd", shipper: fmt.Sprintf(job, "true", "true"),
			inject: `$P stop; for f in $(find $S -name '*journal*' -type f); do echo no journal >$f; done; $P start; until_ 'says "\"aside\""'`,
			finds:  "journal-aside", fix: `rm .+`,
		},
	}
}
