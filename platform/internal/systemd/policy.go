package systemd

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// startLimit turns "at most Max restarts within Window" into a number of starts, which
// includes the first one.
func startLimit(f *unitFile, r platform.Restart) {
	if r.Max < 0 {
		f.set("StartLimitIntervalSec", "0") // no limit
		return
	}
	f.span("StartLimitIntervalSec", "restart.window", r.Window)
	f.set("StartLimitBurst", strconv.Itoa(r.Max+1))
}

func restart(f *unitFile, r platform.Restart) {
	f.CheckRestart(r)
	if len(r.Success) > 0 {
		f.set("SuccessExitStatus", statuses(r.Success))
	}
	if r.Policy == platform.RestartNever {
		f.set("Restart", "no")
		return
	}
	f.set("Restart", string(r.Policy))
	f.span("RestartSec", "restart.delay", r.Delay)
	// systemd considers a death by these signals a clean exit: see systemd.service(5). But the
	// service only dies of them before its handlers are installed, or if somebody kills it.
	force, prevent := "SIGHUP SIGPIPE", statuses(platform.ExitsForGood())
	switch r.Policy {
	case platform.RestartOnSuccess:
		force, prevent = "", prevent+" SIGHUP SIGINT SIGPIPE SIGTERM"
	case platform.RestartOnAbnormal:
		force += " " + strconv.Itoa(platform.ExitCrashed)
	default:
	}
	if force != "" {
		f.set("RestartForceExitStatus", force)
	}
	f.set("RestartPreventExitStatus", prevent)
}

func statuses(codes []int) string {
	words := make([]string, len(codes))
	for i, code := range codes {
		words[i] = strconv.Itoa(code)
	}
	return strings.Join(words, " ")
}

// timeouts sets systemd's timeouts later than our own, because ours report what was being
// waited for. Starts and reloads share one timeout.
func timeouts(f *unitFile, u platform.Unit) {
	later := func(d time.Duration) time.Duration {
		if d > 0 {
			d += platform.StopMargin
		}
		return d
	}
	f.span("TimeoutStartSec", "start_timeout", later(max(u.StartTimeout, u.ReloadTimeout)))
	f.span("TimeoutStopSec", "stop_timeout", later(u.StopTimeout))
	f.span("WatchdogSec", "watchdog", u.Watchdog)
}

// cpuForUsers is the first systemd that passes the cpu controller on to the users' systemds
// (systemd pull request 23887). Earlier ones ignore CPUQuota=.
const cpuForUsers = 252

func limits(f *unitFile, u platform.Unit, version int) {
	l := u.Limits
	if l.CPU != 0 && u.Scope == platform.ScopeUser && version > 0 && version < cpuForUsers {
		f.Refuse("limits.cpu", "%d: a user's systemd before %d cannot limit it", l.CPU, cpuForUsers)
	}
	f.number("LimitNOFILE", l.NoFile)
	f.number("LimitNPROC", l.NProc)
	if l.Core != nil {
		f.set("LimitCORE", strconv.FormatUint(*l.Core, 10))
	}
	f.number("MemoryMax", uint64(l.Memory))
	f.number("TasksMax", l.Tasks)
	if l.CPU != 0 {
		f.set("CPUQuota", strconv.FormatUint(l.CPU, 10)+"%")
	}
	switch {
	case l.Nice < -20 || l.Nice > 19:
		f.Refuse("limits.nice", "%d: is not between -20 and 19", l.Nice)
	case l.Nice < 0 && u.Scope == platform.ScopeUser:
		f.Refuse("limits.nice", "%d: a user service cannot get a higher priority", l.Nice)
	case l.Nice != 0:
		f.set("Nice", strconv.Itoa(l.Nice))
	}
}
