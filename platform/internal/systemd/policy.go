package systemd

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
)

// startLimit turns "at most Max restarts within Window" into starts: the first
// one counts too.
func startLimit(s *sheet, r platform.Restart) {
	switch {
	case r.Max < 0:
		s.refuse("restart.max", "%d: is negative", r.Max)
	case r.Max == 0:
		s.set("StartLimitIntervalSec", "0") // no limit
	default:
		s.span("StartLimitIntervalSec", "restart.window", r.Window)
		s.set("StartLimitBurst", strconv.Itoa(r.Max+1))
	}
}

func restart(s *sheet, r platform.Restart) {
	switch r.Policy {
	case platform.RestartNever, "":
		s.set("Restart", "no")
		return
	case platform.RestartOnFailure, platform.RestartAlways:
		s.set("Restart", string(r.Policy))
	default:
		s.refuse("restart.policy", "%q: is none of on-failure, always, never", r.Policy)
	}
	s.span("RestartSec", "restart.delay", r.Delay)
	// A death by SIGHUP or SIGPIPE is a clean exit to systemd (systemd.service(5)), but we
	// die of them only before our handlers are there.
	s.set("RestartForceExitStatus", "SIGHUP SIGPIPE")
	codes := make([]string, 0, 3)
	for _, code := range platform.ExitsForGood() {
		codes = append(codes, strconv.Itoa(code))
	}
	s.set("RestartPreventExitStatus", strings.Join(codes, " "))
}

// timeouts puts systemd's limits behind our own, which come with a word about
// what was being waited for. Starts and reloads share one limit.
func timeouts(s *sheet, u platform.Unit) {
	later := func(d time.Duration) time.Duration {
		if d > 0 {
			d += platform.StopMargin
		}
		return d
	}
	s.span("TimeoutStartSec", "start_timeout or reload_timeout", later(max(u.StartTimeout, u.ReloadTimeout)))
	s.span("TimeoutStopSec", "stop_timeout", later(u.StopTimeout))
	s.span("WatchdogSec", "watchdog", u.Watchdog)
}

// cpuForUsers is the first systemd that passes the cpu controller on to the
// users' systemds (systemd pull request 23887): those before it ignore CPUQuota=.
const cpuForUsers = 252

func limits(s *sheet, u platform.Unit, version int) {
	l := u.Limits
	if l.CPU != 0 && u.Scope == platform.ScopeUser && version > 0 && version < cpuForUsers {
		s.refuse("limits.cpu", "%d: a user's systemd before %d cannot limit it", l.CPU, cpuForUsers)
	}
	s.number("LimitNOFILE", l.NoFile)
	s.number("LimitNPROC", l.NProc)
	if l.Core != nil {
		s.set("LimitCORE", strconv.FormatUint(*l.Core, 10))
	}
	s.number("MemoryMax", l.Memory)
	s.number("TasksMax", l.Tasks)
	if l.CPU != 0 {
		s.set("CPUQuota", strconv.FormatUint(l.CPU, 10)+"%")
	}
	switch {
	case l.Nice < -20 || l.Nice > 19:
		s.refuse("limits.nice", "%d: is not between -20 and 19", l.Nice)
	case l.Nice < 0 && u.Scope == platform.ScopeUser:
		s.refuse("limits.nice", "%d: a user's service cannot be given precedence", l.Nice)
	case l.Nice != 0:
		s.set("Nice", strconv.Itoa(l.Nice))
	}
}
