package doctor_test

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/doctor"
	"github.com/holdfast-dev/holdfast/service/recovery"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// healthy returns the facts of a healthy service under the given manager.
func healthy(manager string) doctor.Facts {
	return doctor.Facts{
		Service: "feedd", Command: doctor.Command{Path: "feedd", Flags: "--config /etc/feedd.toml"}, Scope: platform.ScopeSystem, Now: noon,
		Life: doctor.Life{
			Known: true, Running: true, Phase: platform.PhaseReady, Since: noon.Add(-time.Hour), PID: 70, Exe: "/usr/sbin/feedd", StartedBy: manager,
			StopTimeout: 30 * time.Second, Window: 5 * time.Minute,
			LastExit: &platform.Exit{Clean: true, Reason: "stopped"}, LastRun: &state.Before{How: "clean", Outcome: "stopped", Ended: noon.Add(-time.Hour)},
			Health: []state.Health{{Name: "db", OK: true, Since: noon.Add(-time.Hour)}}, Reloads: state.Reloads{Completed: 3},
		},
		Lock: doctor.Lock{File: "/run/feedd/feedd.lock", PIDFile: "/run/feedd/feedd.pid", StateFile: "/run/feedd/feedd.state.json"},
		Manager: doctor.Manager{
			Name: manager, Wanted: true, Recorded: true, Enabled: true, Phase: platform.PhaseReady, PID: 70,
			Examined: platform.Examination{
				KillAfter: 40 * time.Second, Uses: []platform.Use{{What: "memory", Used: 1 << 20, Max: 1 << 30}},
				Own: map[string]string{platform.MendEnable: "ctl enable feedd", platform.MendAllow: "ctl allow feedd", platform.MendReread: "ctl reread", platform.MendLogin: "ctl linger ann"},
			},
		},
		Definition: doctor.Definition{Installed: true, Found: &platform.Definition{Path: "/etc/feedd.service", Ours: true, Own: map[string]string{"unmask": "ctl unmask feedd"}}},
		Config:     doctor.Config{File: "/etc/feedd.toml"},
		Program:    doctor.Program{Path: "/usr/sbin/feedd"},
		Dirs:       []doctor.Dir{{Role: "runtime", Path: "/run/feedd", Owner: "feedd", Wanted: "feedd"}, {Role: "state", Path: "/var/lib/feedd", Owner: "feedd", Wanted: "feedd"}},
		Volumes:    []doctor.Volume{{Path: "/var/lib/feedd", Roles: []string{"state"}, Size: 100 << 30, Free: 50 << 30, Files: 1 << 20, Left: 1 << 19}},
		Uses:       []platform.Use{{What: "open files", Used: 20, Max: 1024}},
		Work:       &recovery.Work{Begun: 2, Queued: 1},
	}
}

// stopped makes f the facts of a service that was stopped in order.
func stopped(f *doctor.Facts) {
	f.Life = doctor.Life{Known: true, Phase: platform.PhaseStopped, LastExit: f.Life.LastExit, EndedAt: noon.Add(-time.Minute), Ending: "stopped", StopTimeout: f.Life.StopTimeout}
	f.Manager.PID, f.Manager.Phase = 0, platform.PhaseStopped
	f.Uses = nil
}

// fails makes f the facts of a service that has failed.
func fails(f *doctor.Facts) {
	stopped(f)
	f.Life.Phase, f.Manager.Phase = platform.PhaseFailed, platform.PhaseFailed
	f.Life.LastExit = &platform.Exit{Code: 1, Reason: "no database"}
	f.Life.Ending = "no database"
	f.Log.Lines = []string{"connect: refused"}
}

func managers() []string { return []string{"systemd", "sysv", "openrc", "launchd", "scm"} }

// faults has every kind of fault, with the id of the finding that comes first.
var faults = []struct {
	id     string
	inject func(*doctor.Facts)
	s      doctor.Severity
	says   string // in the cause
	fix    string // the command; "": none
}{
	{"disk-full", func(f *doctor.Facts) { f.Volumes[0].Free = 0 }, doctor.Error, "no space is left on the file system of /var/lib/feedd", ""},
	{"disk-low", func(f *doctor.Facts) { f.Volumes[0].Free = 100 << 20 }, doctor.Warning, "only 100.0 MiB of 100.0 GiB are free", ""},
	{"inodes-full", func(f *doctor.Facts) { f.Volumes[0].Left = 0 }, doctor.Error, "0 of 1048576 inodes", ""},
	{"inodes-low", func(f *doctor.Facts) { f.Volumes[0].Left = 500 }, doctor.Warning, "only 500 of 1048576 inodes", ""},
	{"read-only", func(f *doctor.Facts) { f.Volumes[0].ReadOnly = true }, doctor.Error, "mounted read-only", ""},
	{"clock-behind", func(f *doctor.Facts) { f.Clock = doctor.Clock{Ahead: noon.Add(time.Hour), Of: "its installation"} }, doctor.Warning, "but its installation was written at", ""},
	{"clock-jumped", func(f *doctor.Facts) { f.Clock.Jump = -time.Hour }, doctor.Note, "set back by 1h0m0s after process 70", ""},
	{"no-manager", func(f *doctor.Facts) {
		f.Manager, f.Definition = doctor.Manager{None: "process 1 is runit", Wanted: true}, doctor.Definition{}
	}, doctor.Note, "process 1 is runit", ""},
	{"manager-silent", func(f *doctor.Facts) { f.Manager.Silent = "it does not answer" }, doctor.Error, "does not report the state of the service: it does not answer", ""},
	{"config-bad", func(f *doctor.Facts) {
		f.Config.Problems = []doctor.Problem{{Text: "/etc/feedd.toml:3: service.umask: bad"}, {Text: "more"}}
	}, doctor.Error, "/etc/feedd.toml:3: service.umask: bad; the running process goes on", ""},
	{"config-bad", func(f *doctor.Facts) {
		fails(f)
		f.Config.Problems = []doctor.Problem{{Text: "/etc/feedd.toml:3: service.umask: bad"}}
	}, doctor.Error, "/etc/feedd.toml:3: service.umask: bad", ""},
	{"account-missing", func(f *doctor.Facts) {
		f.Config.Problems = []doctor.Problem{{Text: "there is no user", Kind: "user", Name: "ann"}}
	}, doctor.Error, "there is no user", "useradd --system --no-create-home --shell /usr/sbin/nologin ann"},
	{"account-missing", func(f *doctor.Facts) {
		f.Config.Problems = []doctor.Problem{{Text: "there is no group", Kind: "group", Name: "ann"}}
	}, doctor.Error, "there is no group", "groupadd --system ann"},
	{"directory-needed", func(f *doctor.Facts) {
		f.Config.Problems = []doctor.Problem{{Text: "/srv/a b does not exist", Kind: "directory", Name: "/srv/a b"}}
	}, doctor.Error, "/srv/a b does not exist", "mkdir -p '/srv/a b'"},
	{"config-closed", func(f *doctor.Facts) { f.Config.Closed = "the user cannot read it" }, doctor.Error, "cannot read it", ""},
	{"config-warning", func(f *doctor.Facts) { f.Config.Warnings = []doctor.Problem{{Text: "memory is not limited"}} }, doctor.Note, "memory is not limited", ""},
	{"config-warning", func(f *doctor.Facts) { f.Config.InForce = "/other.toml" }, doctor.Note, "process 70 runs with the configuration /other.toml", ""},
	{"program-gone", func(f *doctor.Facts) { f.Program.Gone = true }, doctor.Error, "/usr/sbin/feedd, which the manager starts, does not exist", ""},
	{"program-closed", func(f *doctor.Facts) { f.Program.Closed, f.Program.Allow = "the user cannot run it", "chmod a+x y" }, doctor.Error, "cannot run it", "chmod a+x y"},
	{"program-newer", func(f *doctor.Facts) { f.Program.Newer = true }, doctor.Warning, "newer than the one that process 70 runs", "feedd restart --config /etc/feedd.toml"},
	{"program-writable", func(f *doctor.Facts) { f.Program.Writable, f.Program.Tighten = "its mode is 0777", "chmod go-w y" }, doctor.Warning, "other users can change the program /usr/sbin/feedd", "chmod go-w y"},
	{"program-writable", func(f *doctor.Facts) { f.Program.Writable, f.Program.Tolerated = "its mode is 0777", true }, doctor.Note, "install accepted", ""},
	{"masked", func(f *doctor.Facts) {
		stopped(f)
		f.Definition.Found.State, f.Definition.Installed, f.Definition.Refused, f.Manager.Enabled = platform.DefinitionMasked, false, "masked", false
	}, doctor.Error, "/etc/feedd.service is masked", "ctl unmask feedd"},
	{"not-startable", func(f *doctor.Facts) {
		stopped(f)
		f.Manager.Examined.Disabled, f.Manager.Enabled = "its start type is disabled", false
	}, doctor.Error, "its start type is disabled", "ctl allow feedd"},
	{"disabled", func(f *doctor.Facts) { f.Manager.Enabled = false }, doctor.Warning, "does not start it at boot", "ctl enable feedd"},
	{"socket-failed", func(f *doctor.Facts) {
		stopped(f)
		f.Manager.Trigger = &platform.Trigger{Units: []string{"feedd.socket"}, Enabled: true, Failed: "feedd.socket no longer listens: a limit"}
	}, doctor.Error, "feedd.socket no longer listens: a limit: nobody can connect", "feedd start --config /etc/feedd.toml"},
	{"socket-failed", func(f *doctor.Facts) {
		f.Manager.Trigger = &platform.Trigger{Units: []string{"feedd.socket"}, Enabled: true, Failed: "feedd.socket no longer listens: a limit"}
	}, doctor.Error, "nobody can connect", "feedd restart --config /etc/feedd.toml"},
	{"socket-disabled", func(f *doctor.Facts) {
		f.Manager.Trigger = &platform.Trigger{Units: []string{"feedd.socket"}, Listening: true}
	}, doctor.Warning, "feedd.socket is not enabled", "feedd install --config /etc/feedd.toml"},
	{"misplaced", func(f *doctor.Facts) {
		f.Manager.Examined.Misplaced, f.Manager.Examined.Own[platform.MendPlace] = "it is started before the database", "links feedd remove"
	}, doctor.Warning, "relative to other services: it is started before the database", "links feedd remove && feedd install --config /etc/feedd.toml"},
	{"misplaced", func(f *doctor.Facts) { f.Manager.Examined.NotAtBoot = "no link" }, doctor.Warning, "does not start it at boot: no link", "feedd install --restart --config /etc/feedd.toml"},
	{"manager-disagrees", func(f *doctor.Facts) { f.Manager.PID = 71 }, doctor.Warning, "reports the service as process 71, but process 70", "feedd restart --config /etc/feedd.toml"},
	{"manager-disagrees", func(f *doctor.Facts) { stopped(f); f.Manager.PID, f.Manager.Gone = 71, true }, doctor.Warning, "as process 71, which does not exist", "feedd restart --config /etc/feedd.toml"},
	{"login-only", func(f *doctor.Facts) { f.Manager.AtLogin, f.Manager.User = true, "ann" }, doctor.Note, "only while ann is logged in", "ctl linger ann"},
	{"not-installed", func(f *doctor.Facts) { f.Definition, f.Manager.Recorded = doctor.Definition{}, false }, doctor.Note, "nothing starts it after a failure", "feedd install --restart --config /etc/feedd.toml"},
	{"not-installed", func(f *doctor.Facts) { f.Definition = doctor.Definition{} }, doctor.Warning, "no longer has a definition of it", "feedd install --restart --config /etc/feedd.toml"},
	{"not-installed", func(f *doctor.Facts) {
		stopped(f)
		f.Definition, f.Manager.Recorded = doctor.Definition{}, false
	}, doctor.Note, "is not installed", "feedd install --start --config /etc/feedd.toml"},
	{"manager-lesser", func(f *doctor.Facts) { f.Manager.Missing = []string{"nothing starts it again"} }, doctor.Note, "does less for it than others: nothing starts it again", ""},
	{"not-installed", func(f *doctor.Facts) {
		stopped(f)
		f.Definition = doctor.Definition{InstanceNames: []string{"a", "b"}}
	}, doctor.Note, "one of a, b", ""},
	{"definition-foreign", func(f *doctor.Facts) {
		stopped(f)
		f.Definition.Installed, f.Definition.Found.Ours, f.Definition.Refused = false, false, "was not made by holdfast"
	}, doctor.Error, "/etc/feedd.service", "feedd install --adopt --config /etc/feedd.toml"},
	{"definition-broken", func(f *doctor.Facts) { f.Manager.Examined.Broken = "bad-setting" }, doctor.Error, "cannot use its definition: bad-setting", "feedd install --restart --config /etc/feedd.toml"},
	{"definition-outdated", func(f *doctor.Facts) {
		f.Definition.Changes, f.Definition.Keys = []string{"/etc/feedd.service"}, []string{"service.umask"}
	}, doctor.Warning, "does not have the change yet: service.umask", "feedd install --restart --config /etc/feedd.toml"},
	{"definition-outdated", func(f *doctor.Facts) { stopped(f); f.Definition.Changes = []string{"/etc/feedd.service"} }, doctor.Warning, "/etc/feedd.service differs from what an install would write", "feedd install --config /etc/feedd.toml"},
	{"definition-unread", func(f *doctor.Facts) { f.Manager.Examined.Unread = true }, doctor.Warning, "older definition", "ctl reread"},
	{"definition-unfit", func(f *doctor.Facts) {
		f.Definition.Changes, f.Definition.Unfit = []string{"x"}, []string{"no such user"}
	}, doctor.Warning, "would refuse it: no such user", ""},
	{"definition-overridden", func(f *doctor.Facts) {
		f.Definition.Found.DropIns = []platform.DropIn{{Path: "/etc/x.conf", Keys: []string{"Nice"}}}
	}, doctor.Note, "/etc/x.conf sets Nice", ""},
	{"kill-timeout-short", func(f *doctor.Facts) { f.Manager.Examined.KillAfter = 5 * time.Second }, doctor.Warning, "kills it 5s after", "feedd install --restart --config /etc/feedd.toml"},
	{"kill-timeout-short", func(f *doctor.Facts) {
		f.Manager.Examined.KillAfter = 5 * time.Second
		f.Definition.Found.DropIns = []platform.DropIn{{Path: "/etc/x.conf", Keys: []string{"TimeoutStopSec"}}}
	}, doctor.Warning, "kills it 5s after", "rm /etc/x.conf && ctl reread"},
	{"restart-due", func(f *doctor.Facts) { f.Definition.Restart = []string{"service.umask"} }, doctor.Warning, "after its start: service.umask", "feedd restart --config /etc/feedd.toml"},
	{"restart-due", func(f *doctor.Facts) { f.Definition.Old = true }, doctor.Warning, "before the last install", "feedd restart --config /etc/feedd.toml"},
	{"reload-due", func(f *doctor.Facts) { f.Definition.Reload = []string{"feed.url"} }, doctor.Warning, "feed.url", "feedd reload --config /etc/feedd.toml"},
	{"other-manager", func(f *doctor.Facts) { f.Definition.OtherManager = "sysv" }, doctor.Warning, "as well as with", "feedd uninstall --manager sysv --config /etc/feedd.toml"},
	{"other-scope", func(f *doctor.Facts) { f.Definition.OtherScope, f.Definition.OtherFound = "user", "/home/x" }, doctor.Note, "--scope user: /home/x", ""},
	{"initd-leftover", func(f *doctor.Facts) {
		f.Manager.Examined.Leftovers = []platform.Leftover{{Path: "/etc/init.d/feedd", Ours: true, Why: "y", Remove: "rm /etc/init.d/feedd"}}
	}, doctor.Warning, "/etc/init.d/feedd is a leftover", "rm /etc/init.d/feedd"},
	{"install-interrupted", func(f *doctor.Facts) { f.Definition.Interrupted = "an install was interrupted" }, doctor.Error, "was interrupted", "feedd install --config /etc/feedd.toml"},
	{"record-unreadable", func(f *doctor.Facts) { f.Definition.BadRecord = "bad JSON" }, doctor.Warning, "bad JSON", ""},
	{"record-unreadable", func(f *doctor.Facts) { f.Definition.BadRecord, f.Definition.RecordFile = "bad JSON", "/x.json" }, doctor.Warning, "bad JSON", "rm /x.json && feedd install --restart --config /etc/feedd.toml"},
	{"directory-missing", func(f *doctor.Facts) { f.Dirs[0].Missing = true }, doctor.Error, "/run/feedd, its runtime directory, does not exist", "feedd restart --config /etc/feedd.toml"},
	{"directory-missing", func(f *doctor.Facts) { f.Dirs[0].NotDir = true }, doctor.Error, "is not a directory", "mv /run/feedd /run/feedd.aside && feedd restart --config /etc/feedd.toml"},
	{"directory-owner", func(f *doctor.Facts) { f.Dirs[1].Owner, f.Dirs[1].Closed = "root", "mode 0755" }, doctor.Error, "/var/lib/feedd, its state directory, belongs to root", "chown -R feedd /var/lib/feedd"},
	{"directory-mode", func(f *doctor.Facts) { f.Dirs[1].Closed = "its mode is 0500" }, doctor.Error, "cannot write into /var/lib/feedd", "chmod u+rwx /var/lib/feedd"},
	{"directory-open", func(f *doctor.Facts) { f.Dirs[1].Open = "its mode is 0777" }, doctor.Warning, "other users can change the contents of /var/lib/feedd", "chmod go-w /var/lib/feedd"},
	{"files-nearly-used", func(f *doctor.Facts) { f.Uses[0].Used = 1000 }, doctor.Warning, "uses 1000 of the 1024 of open files", ""},
	{"memory-nearly-used", func(f *doctor.Facts) { f.Manager.Examined.Uses[0].Used = 1 << 30 }, doctor.Warning, "1.0 GiB of the 1.0 GiB of memory", ""},
	{"tasks-nearly-used", func(f *doctor.Facts) { f.Uses = []platform.Use{{What: "tasks", Used: 9, Max: 10}} }, doctor.Warning, "9 of the 10 of tasks", ""},
	{"lock-unnamed", func(f *doctor.Facts) { f.Lock.Unnamed, f.Life.Phase, f.Life.PID = true, platform.PhaseUnknown, 0 }, doctor.Error, "/run/feedd/feedd.lock", ""},
	{"pid-file-wrong", func(f *doctor.Facts) { f.Lock.PIDFileWrong = "it names 1" }, doctor.Warning, "process 70, which holds the lock: it names 1", "feedd restart --config /etc/feedd.toml"},
	{"pid-file-left", func(f *doctor.Facts) {
		stopped(f)
		f.Definition.Installed = false
		f.Lock.PIDFileLeft = "/x names 9, which is gone"
	}, doctor.Note, "/x names 9", "feedd start --config /etc/feedd.toml"},
	{"state-file-missing", func(f *doctor.Facts) { f.Lock.StateFileWrong = "it is not there" }, doctor.Warning, "process 70 cannot be used: it is not there", "feedd restart --config /etc/feedd.toml"},
	{"not-answering", func(f *doctor.Facts) { f.Life.Phase = platform.PhaseUnknown }, doctor.Error, "has reported no progress since", "feedd restart --config /etc/feedd.toml"},
	{"started-by-hand", func(f *doctor.Facts) { f.Life.Stranger, f.Life.StartedBy, f.Manager.PID = true, "hand", 0 }, doctor.Warning, "process 70 was started by hand", "feedd restart --config /etc/feedd.toml"},
	{"other-process", func(f *doctor.Facts) { f.Others = []doctor.Process{{PID: 99, User: "ann", Command: "feedd run"}} }, doctor.Warning, "process 99, user ann", "kill 99"},
	{"other-process", func(f *doctor.Facts) { f.Others = []doctor.Process{{PID: 99, Command: "feedd run", Apart: true}} }, doctor.Note, "may be meant to be another", "kill 99"},
	{"stop-overdue", func(f *doctor.Facts) {
		f.Life.Phase, f.Life.Stop = platform.PhaseStopping, &state.StopProgress{Now: "database"}
	}, doctor.Error, "should have ended within 30s (it is at database)", "feedd stop --kill --config /etc/feedd.toml"},
	{"socket-closed", func(f *doctor.Facts) {
		f.Life.Closed = []doctor.Socket{{Name: "admin", Listen: "unix:/run/feedd/a", Why: "its file is gone"}}
	}, doctor.Error, `socket "admin" of the configuration is not open on unix:/run/feedd/a: its file is gone`, "feedd restart --config /etc/feedd.toml"},
	{"socket-closed", func(f *doctor.Facts) {
		f.Life.Closed = []doctor.Socket{{Name: "web", Listen: "tcp::81", Why: "it listens at :80", Reload: true}}
	}, doctor.Error, "is not open on tcp::81: it listens at :80", "feedd reload --config /etc/feedd.toml"},
	{"supervisor-gone", func(f *doctor.Facts) { f.Life.SupervisorGone = true }, doctor.Warning, "its supervisor is gone", "feedd restart --config /etc/feedd.toml"},
	{"supervisor-gone", func(f *doctor.Facts) { f.Manager.Examined.Unwatched = "its daemon is gone" }, doctor.Warning, "its daemon is gone", "feedd restart --config /etc/feedd.toml"},
	{"failed", fails, doctor.Error, "nothing restarts it: no database", "feedd start --config /etc/feedd.toml"},
	{"gave-up", func(f *doctor.Facts) { fails(f); f.Life.GaveUp, f.Life.Restarts = true, 10 }, doctor.Error, "restarted 10 times, as often as restart.max allows", "feedd start --config /etc/feedd.toml"},
	{"restart-loop", func(f *doctor.Facts) {
		fails(f)
		f.Life.Next, f.Life.Restarts = &platform.NextTry{At: noon.Add(time.Second)}, 2
	}, doctor.Error, "is restarted (2 times so far", ""},
	{"restart-loop", func(f *doctor.Facts) { f.Life.Restarts = 4 }, doctor.Warning, "was restarted 4 times", ""},
	{"restart-loop", func(f *doctor.Facts) {
		f.Life.Phase, f.Life.Restarts, f.Life.LastExit = platform.PhaseStarting, 1, &platform.Exit{Code: 1, Reason: "no database"}
	}, doctor.Error, "is being restarted (once so far)", ""},
	{"not-running", stopped, doctor.Note, "its last run ended", "feedd start --config /etc/feedd.toml"},
	{"not-running", func(f *doctor.Facts) { stopped(f); f.Life.LastExit = nil }, doctor.Note, "has never run", "feedd start --config /etc/feedd.toml"},
	{"last-run-unclean", func(f *doctor.Facts) { f.Life.LastRun.How, f.Life.LastRun.Outcome = "killed", "killed by SIGKILL" }, doctor.Note, "(killed on", ""},
	{"last-run-unreadable", func(f *doctor.Facts) { f.Life.BadLastRun = "bad JSON" }, doctor.Warning, "bad JSON", "feedd restart --config /etc/feedd.toml"},
	{"not-answering", func(f *doctor.Facts) { f.Life.Suspended = true }, doctor.Error, "process 70 is suspended", "kill -CONT 70"},
	{"pid-file-left", func(f *doctor.Facts) {
		stopped(f)
		f.Lock.PIDFileLeft, f.Lock.PIDFileBlocked = "it is a directory", true
	}, doctor.Error, "the next start will fail", "mv /run/feedd/feedd.pid /run/feedd/feedd.pid.aside"},
	{"pid-file-wrong", func(f *doctor.Facts) { f.Lock.PIDFileWrong, f.Lock.PIDFileBlocked = "it is a directory", true }, doctor.Warning, "it is a directory", "mv /run/feedd/feedd.pid /run/feedd/feedd.pid.aside"},
	{"config-writable", func(f *doctor.Facts) { f.Config.Writable, f.Config.Tighten = "its mode is 0666", "chmod go-w x" }, doctor.Warning, "other users can change the configuration /etc/feedd.toml", "chmod go-w x"},
	{"read-only", func(f *doctor.Facts) { f.Volumes[0].ReadOnly, f.Volumes[0].Mount = true, "/var" }, doctor.Error, "mounted read-only", "mount -o remount,rw /var"},
	{"last-run-unclean", func(f *doctor.Facts) { f.Life.LastRun.How = "rebooted" }, doctor.Note, "(rebooted", ""},
	{"health-failing", func(f *doctor.Facts) {
		f.Life.Health = append(f.Life.Health, state.Health{Name: "queue", Since: noon, Error: "full"})
	}, doctor.Error, `health check "queue" fails since`, ""},
	{"reload-failed", func(f *doctor.Facts) { f.Life.Reloads.LastError = "bad url" }, doctor.Warning, "was refused, so the previous configuration stays in force: bad url", "feedd reload --config /etc/feedd.toml"},
	{"log-unreachable", func(f *doctor.Facts) { f.Log.Sink, f.Log.Unreachable = "/var/log/x", "no such directory" }, doctor.Warning, "(/var/log/x) cannot be reached", ""},
	{"hardening-denial", func(f *doctor.Facts) {
		fails(f)
		f.Life.Ending = `open /home/x: permission denied (protect_home hides home directories: [service.hardening] protect_home = false, or move it elsewhere)`
	}, doctor.Error, "protect_home = false", ""},
	{"hardening-denial", func(f *doctor.Facts) {
		f.Manager.Name, f.Log.Since = "systemd", []string{"INFO: write it: open /opt/x/data: read-only file system"}
	}, doctor.Warning, "open /opt/x/data: read-only file system (protect_system", ""},
	{"port-privileged", func(f *doctor.Facts) {
		fails(f)
		f.Life.Ending = `listen tcp :80: bind: permission denied (CAP_NET_BIND_SERVICE needs a port below 1024: [service.hardening] capabilities = ["CAP_NET_BIND_SERVICE"])`
	}, doctor.Error, "may not listen on a port below 1024: listen tcp :80", ""},
	{"port-privileged", func(f *doctor.Facts) {
		fails(f)
		f.Life.Ending = "Start: listen tcp 127.0.0.1:80: bind: permission denied"
	}, doctor.Error, "may not listen on a port below 1024, which needs root or CAP_NET_BIND_SERVICE: Start: listen tcp 127.0.0.1:80", ""},
	{"port-in-use", func(f *doctor.Facts) {
		fails(f)
		f.Life.Ending = "Start: listen tcp [::1]:8080: bind: address already in use"
	}, doctor.Error, "another process uses port 8080, on which the service is to listen: Start: listen", ""},
	{"port-in-use", func(f *doctor.Facts) {
		f.Life.Reloads.LastError = "listen udp :53: bind: Only one usage of each socket address (protocol/network address/port) is normally permitted."
	}, doctor.Warning, "another process uses port 53", ""},
	{"journal-refused", func(f *doctor.Facts) { f.Work.Refused = "it is damaged" }, doctor.Warning, "none is run again: it is damaged", ""},
	{"journal-damaged", func(f *doctor.Facts) { f.Work.Damaged = 2 }, doctor.Warning, "2 entries", ""},
	{"journal-aside", func(f *doctor.Facts) { f.Work.Aside = []string{"/var/lib/feedd/x.set-aside-1"} }, doctor.Warning, "/var/lib/feedd/x.set-aside-1", "rm /var/lib/feedd/x.set-aside-1"},
	{"work-set-aside", func(f *doctor.Facts) { f.Work.SetAside = 1 }, doctor.Warning, "1 piece of work was set aside", ""},
	{"work-set-aside", func(f *doctor.Facts) { f.Work.SetAside, f.Life.Restarts = 1, 5 }, doctor.Warning, "1 piece of work was set aside", ""},
	{"work-interrupted", func(f *doctor.Facts) { f.Work.Interrupted = 2 }, doctor.Warning, "2 pieces of work were interrupted", ""},
	{"upgrade-on-trial", func(f *doctor.Facts) { f.Upgrade.OnTrial = "2.0" }, doctor.Note, "2.0 is on trial", ""},
	{"upgrade-interrupted", func(f *doctor.Facts) {
		f.Upgrade = doctor.Upgrade{OnTrial: "2.0", Interrupted: true, Step: "its trial"}
	}, doctor.Warning, "2.0 was interrupted", "feedd versions --config /etc/feedd.toml"},
	{"upgrade-interrupted", func(f *doctor.Facts) { f.Upgrade.Unreadable = "bad JSON" }, doctor.Warning, "bad JSON", ""},
	{"upgrade-rolled-back", func(f *doctor.Facts) { f.Upgrade = doctor.Upgrade{RolledBack: "2.0", Reason: "it died", At: noon} }, doctor.Warning, "was rolled back: it died", ""},
	{"upgrade-rolled-back", func(f *doctor.Facts) {
		f.Upgrade = doctor.Upgrade{RolledBack: "2.0", Reason: "it died", At: noon.AddDate(0, -1, 0)}
	}, doctor.Note, "was rolled back: it died", ""},
	{"alarm-undelivered", func(f *doctor.Facts) { f.Alarm = doctor.Alarm{Waiting: 2, Since: noon, Error: "command: exit code 1"} }, doctor.Warning, "2 wait", ""},
	{"alarm-undelivered", func(f *doctor.Facts) { f.Alarm = doctor.Alarm{Waiting: 1, Since: noon.Add(-time.Hour)} }, doctor.Warning, "1 wait", ""},
	{"alarm-undelivered", func(f *doctor.Facts) { f.Alarm.Dropped = 3 }, doctor.Warning, "3 alarms were dropped", ""},
	{"alarm-undelivered", func(f *doctor.Facts) { f.Alarm.Error = "webhook: refused" }, doctor.Warning, "webhook: refused", ""},
	{"unseen", func(f *doctor.Facts) { f.Unseen = []doctor.Unseen{{"its log", "denied"}, {"more", "denied"}} }, doctor.Note, "2 things could not be examined", ""},
}

// Under every manager, each fault is the first finding, and the healthy service has none.
func TestFaults(t *testing.T) {
	proven := map[string]bool{}
	for _, fault := range faults {
		proven[fault.id] = true
		for _, manager := range managers() {
			f := healthy(manager)
			fault.inject(&f)
			r := doctor.Examine(f)
			if len(r.Findings) == 0 {
				t.Errorf("%s: %s: nothing is found", manager, fault.id)
				continue
			}
			top := r.Findings[0]
			fix := fault.fix
			if manager == "scm" && fix == "kill 99" {
				fix = "taskkill /PID 99 /F"
			}
			if top.ID != fault.id || top.Severity != fault.s || !strings.Contains(top.Cause, fault.says) || top.Fix != fix {
				t.Errorf("%s: %s: found %+v, want %s, %q, %q", manager, fault.id, top, fault.s, fault.says, fix)
			}
			if strings.Contains(top.Cause, "\n") || r.Severity != top.Severity || r.Checks[0].Severity != top.Severity {
				t.Errorf("%s: %s: %s", manager, fault.id, r.Severity)
			}
		}
	}
	for _, r := range doctor.Rules() {
		if !proven[r.ID] {
			t.Errorf("%s has no fault here", r.ID)
		}
	}
}

// Nothing is wrong with what is well, whatever its manager, running or stopped in order.
func TestHealthy(t *testing.T) {
	for _, manager := range managers() {
		for name, state := range map[string]func(*doctor.Facts){
			"runs": func(*doctor.Facts) {}, "stopped": stopped,
			"by hand": func(f *doctor.Facts) {
				f.Definition, f.Manager.PID, f.Manager.Enabled, f.Manager.Recorded = doctor.Definition{}, 0, false, false
			},
			"manual":   func(f *doctor.Facts) { f.Manager.Manual, f.Manager.Enabled = true, false },
			"reloads":  func(f *doctor.Facts) { f.Life.Phase = platform.PhaseReloading },
			"stopping": func(f *doctor.Facts) { f.Life.Phase, f.Life.Since = platform.PhaseStopping, noon.Add(-5*time.Second) },
			"on trial": func(f *doctor.Facts) { f.Life.OnTrial, f.Manager.PID = true, 60 },
			"denied before": func(f *doctor.Facts) {
				f.Log.Since = []string{`the last run did not end cleanly: how="Start: open /srv/out: read-only file system (x: [service.hardening] read_write_paths = [\"/srv\"])"`}
			},
			"ports of before": func(f *doctor.Facts) {
				f.Life.Ending, f.Log.Since = "listen tcp :80: bind: permission denied", []string{"listen tcp :81: bind: address already in use, so 82 is taken"}
			},
			"alarm":   func(f *doctor.Facts) { f.Alarm = doctor.Alarm{Waiting: 1, Since: noon} },
			"unknown": func(f *doctor.Facts) { *f = doctor.Facts{} },
		} {
			f := healthy(manager)
			state(&f)
			if r := doctor.Examine(f); r.Count(doctor.Warning) > 0 {
				t.Errorf("%s: %s: %+v", manager, name, r.Findings)
			} else if name == "runs" && (len(r.Findings) > 0 || r.Severity != doctor.OK) {
				t.Errorf("%s: %+v", manager, r.Findings)
			}
		}
	}
}

// A cause comes first and is as grave as what follows from it.
func TestCausesComeFirst(t *testing.T) {
	f := healthy("systemd")
	fails(&f)
	f.Lock.PIDFileLeft = "/run/feedd/feedd.pid names 9"
	f.Config.Problems = []doctor.Problem{{Text: "bad"}}
	f.Volumes[0].Free = 100 << 20
	r := doctor.Examine(f)
	var ids []string
	for _, f := range r.Findings {
		ids = append(ids, f.ID+" "+f.BecauseOf)
	}
	if want := []string{"config-bad ", "failed config-bad", "disk-low ", "pid-file-left config-bad"}; !slices.Equal(ids, want) {
		t.Errorf("%q, want %q", ids, want)
	}
	// A warning that keeps it from running is an error.
	f = healthy("systemd")
	fails(&f)
	f.Dirs[0].Owner, f.Dirs[0].Closed = "root", "mode 0755"
	if r = doctor.Examine(f); r.Findings[0].ID != "directory-owner" || r.Findings[0].Severity != doctor.Error {
		t.Errorf("%+v", r.Findings[0])
	}
}

// What users and scripts read.
func TestReportAsJSON(t *testing.T) {
	b, err := json.Marshal(doctor.Examine(healthy("systemd")))
	if err != nil || !strings.Contains(string(b), `"severity":"ok","findings":[]`) {
		t.Errorf("%s, %v", b, err)
	}
	f := healthy("systemd")
	f.Program.Newer = true
	b, err = json.Marshal(doctor.Examine(f).Findings)
	want := `[{"id":"program-newer","severity":"warning","cause":"the program /usr/sbin/feedd on disk is newer than the one that process 70 runs","fix":"feedd restart --config /etc/feedd.toml","check":"program"}]`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v", b, err)
	}
}

// Any facts give a report, and each time the same one.
func FuzzExamine(f *testing.F) {
	for _, fault := range faults {
		facts := healthy("systemd")
		fault.inject(&facts)
		b, err := json.Marshal(facts)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, int64(0))
	}
	f.Add([]byte(`{"Definition":{"Found":null,"Refused":"x"},"Work":{"Damaged":-1},"Life":{"Known":true,"Again":"x"}}`), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, b []byte, jump int64) {
		var facts doctor.Facts
		_ = json.Unmarshal(b, &facts)
		facts.Clock.Jump = time.Duration(jump)
		one := doctor.Examine(facts)
		if !reflect.DeepEqual(one, doctor.Examine(facts)) {
			t.Error("two reports of the same facts")
		}
		worst := doctor.OK
		for i, finding := range one.Findings {
			if i == 0 {
				worst = finding.Severity
			}
			if finding.ID == "" || finding.Cause == "" || finding.Severity == doctor.OK || finding.BecauseOf == finding.ID {
				t.Errorf("%+v", finding)
			}
		}
		if one.Severity != worst {
			t.Errorf("%s, and the first is %s", one.Severity, worst)
		}
	})
}
