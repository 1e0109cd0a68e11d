package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

// directives returns, for each key of [Service] that has a setting, the function that reads it. A
// function returns why a value has no counterpart. The key then goes into systemd.extra, if it
// can be kept there.
func directives() map[string]func(r *unitReader, value string) string {
	return map[string]func(r *unitReader, value string) string{
		"User":             text(func(c *service.Config) *string { return &c.User }),
		"Group":            text(func(c *service.Config) *string { return &c.Group }),
		"UMask":            text(func(c *service.Config) *string { return &c.Umask }),
		"RootDirectory":    text(func(c *service.Config) *string { return &c.RootDirectory }),
		"WorkingDirectory": workingDirectory,
		"TimeoutStartSec":  timeout(startTimeout),
		"TimeoutStopSec":   timeout(stopTimeout),
		"TimeoutSec": func(r *unitReader, value string) string {
			why := ""
			if r.set["TimeoutStartSec"] == "" {
				why = timeout(startTimeout)(r, value)
			}
			if r.set["TimeoutStopSec"] == "" {
				why = timeout(stopTimeout)(r, value)
			}
			return why
		},
		"WatchdogSec": span(func(c *service.Config) *time.Duration { return &c.Watchdog }),
		"LimitNOFILE": limit("LimitNOFILE", func(c *service.Config) *uint64 { return &c.Limits.NoFile }),
		"LimitNPROC":  limit("LimitNPROC", func(c *service.Config) *uint64 { return &c.Limits.NProc }),
		"TasksMax":    limit("TasksMax", func(c *service.Config) *uint64 { return &c.Limits.Tasks }),
		"LimitCORE": func(r *unitReader, value string) string {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				r.extra("LimitCORE")
				return ""
			}
			r.c.Limits.Core = &n
			return ""
		},
		"MemoryMax": func(r *unitReader, value string) string {
			if err := r.c.Limits.Memory.UnmarshalText([]byte(value)); err != nil {
				r.extra("MemoryMax") // a share of the machine's memory, or infinity
			}
			return ""
		},
		"CPUQuota": func(r *unitReader, value string) string {
			n, err := strconv.ParseUint(strings.TrimSuffix(value, "%"), 10, 64)
			if err != nil {
				r.extra("CPUQuota")
			}
			r.c.Limits.CPU = n
			return ""
		},
		"Nice": func(r *unitReader, value string) string {
			n, err := strconv.Atoi(value)
			if err != nil {
				return "is not a number"
			}
			r.c.Limits.Nice = n
			return ""
		},
		"SupplementaryGroups": func(r *unitReader, _ string) string {
			r.c.Hardening.SupplementaryGroups = r.fields("SupplementaryGroups")
			return ""
		},
		"ReadWritePaths": func(r *unitReader, _ string) string {
			if r.c.Hardening.ProtectSystem == service.Off {
				r.extra("ReadWritePaths")
				return ""
			}
			r.c.Hardening.ReadWritePaths = r.fields("ReadWritePaths")
			return ""
		},
		"RuntimeDirectory":       ownDirectory("RuntimeDirectory"),
		"StateDirectory":         ownDirectory("StateDirectory"),
		"LogsDirectory":          ownDirectory("LogsDirectory"),
		"ConfigurationDirectory": ownDirectory("ConfigurationDirectory"),
	}
}

// text returns the reader of a directive with a text value. Only systemd can read a value with
// a specifier.
func text(field func(*service.Config) *string) func(*unitReader, string) string {
	return func(r *unitReader, value string) string {
		if specifier(value) {
			return "has a systemd specifier: write its value"
		}
		*field(r.c) = plain(value)
		return ""
	}
}

func workingDirectory(r *unitReader, value string) string {
	if !strings.HasPrefix(value, "/") || specifier(value) {
		r.extra("WorkingDirectory") // ~, or a directory that may be missing
		return ""
	}
	r.c.WorkingDirectory = plain(value)
	return ""
}

// fields returns the words on all lines of a key.
func (r *unitReader) fields(key string) []string {
	var all []string
	for _, line := range r.lists[key] {
		list, err := words(line, false)
		if err != nil {
			r.lose(key, line, "%v", err)
		}
		for _, word := range list {
			all = append(all, plain(word))
		}
	}
	return all
}

// ownDirectory returns the reader of a directory that holdfast makes for every service, under
// the name of the service.
func ownDirectory(key string) func(*unitReader, string) string {
	return func(r *unitReader, _ string) string {
		for _, name := range r.fields(key) {
			if name != r.Name {
				r.c.Systemd.Extra = append(r.c.Systemd.Extra, key+"="+name)
			}
		}
		return ""
	}
}

func span(field func(*service.Config) *time.Duration) func(*unitReader, string) string {
	return func(r *unitReader, value string) string {
		d, err := parseSpan(value)
		switch {
		case err != nil:
			return err.Error()
		case d == forever:
			return ""
		}
		*field(r.c) = d
		return ""
	}
}

func startTimeout(c *service.Config) *time.Duration { return &c.StartTimeout }
func stopTimeout(c *service.Config) *time.Duration  { return &c.StopTimeout }

// timeout returns the reader of a timeout. It becomes the service's own timeout, and that of
// systemd comes after it.
func timeout(field func(*service.Config) *time.Duration) func(*unitReader, string) string {
	return func(r *unitReader, value string) string {
		d, err := parseSpan(value)
		switch {
		case err != nil:
			return err.Error()
		case d == forever || d == 0:
			return "there is always a limit; choose one"
		}
		own := max(d-platform.StopMargin, time.Second)
		*field(r.c) = own
		if own != d-platform.StopMargin {
			return fmt.Sprintf("is %v here, and systemd's own limit comes %v later", own, platform.StopMargin)
		}
		return ""
	}
}

func limit(key string, field func(*service.Config) *uint64) func(*unitReader, string) string {
	return func(r *unitReader, value string) string {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n == 0 {
			r.extra(key) // soft:hard, infinity, a suffix, a share
			return ""
		}
		*field(r.c) = n
		return ""
	}
}

// forever is a time span without end.
const forever time.Duration = -1

// spanUnits are the units of systemd.time(7) that occur in services.
var spanUnits = map[string]time.Duration{
	"": time.Second, "us": time.Microsecond, "usec": time.Microsecond, "ms": time.Millisecond, "msec": time.Millisecond,
	"s": time.Second, "sec": time.Second, "second": time.Second, "seconds": time.Second,
	"m": time.Minute, "min": time.Minute, "minute": time.Minute, "minutes": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hour": time.Hour, "hours": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// longestSpan limits time spans, so that sums do not overflow.
const longestSpan = 100 * 365 * 24 * time.Hour

// parseSpan reads a time span: "1min 30s", "90", "infinity".
func parseSpan(value string) (time.Duration, error) {
	if value == "infinity" {
		return forever, nil
	}
	var d time.Duration
	rest := strings.TrimSpace(value)
	if rest == "" {
		return 0, fmt.Errorf("%q is not a time span", value)
	}
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		n, err := strconv.ParseFloat(rest[:digits], 64)
		rest = strings.TrimLeft(rest[digits:], " \t")
		name := rest[:len(rest)-len(strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz"))]
		rest = strings.TrimLeft(rest[len(name):], " \t")
		unit, known := spanUnits[name]
		if err != nil || !known || n*float64(unit) > float64(longestSpan) {
			return 0, fmt.Errorf("%q is not a valid time span for a service", value)
		}
		d += time.Duration(n * float64(unit))
	}
	return d, nil
}

// restartPolicy reads Restart= and the start limit. The defaults are those of systemd: no
// restart, RestartSec=100ms, five starts within ten seconds.
func (r *unitReader) restartPolicy() {
	re := &r.c.Restart
	switch policy := r.set["Restart"]; policy {
	case "", "no":
		re.Policy = platform.RestartNever
	case "always", "on-failure", "on-success", "on-abnormal":
		re.Policy = platform.RestartPolicy(policy)
	default:
		re.Policy = platform.RestartOnAbnormal
		r.lose("Restart", policy, "the nearest is restart.policy = %q", re.Policy)
	}
	r.successes()
	read := func(keys []string, usual time.Duration) time.Duration {
		for _, key := range keys {
			if value := r.set[key]; value != "" {
				if d, err := parseSpan(value); err == nil {
					return d
				}
				r.lose(key, value, "is not a time span")
			}
		}
		return usual
	}
	if re.Policy != platform.RestartNever {
		re.Delay = read([]string{"RestartSec"}, 100*time.Millisecond)
		if re.Delay == 0 {
			re.Delay = time.Millisecond
			r.lose("RestartSec", "0", "is %v", re.Delay)
		}
	}
	re.Window = read([]string{"StartLimitIntervalSec", "StartLimitInterval"}, 10*time.Second)
	burst := 5
	if value := r.set["StartLimitBurst"]; value != "" {
		n, err := strconv.Atoi(value)
		if err != nil {
			r.lose("StartLimitBurst", value, "is not a number")
		} else {
			burst = n
		}
	}
	re.Max = burst - 1
	if re.Window <= 0 || burst <= 0 {
		re.Max, re.Window = platform.NoLimit, 0
	} else if re.Max == 0 {
		re.Max = 1
		r.lose("StartLimitBurst", "1", "restart.max = 1 is the minimum: two starts")
	}
	for _, key := range []string{"RestartPreventExitStatus", "RestartForceExitStatus"} {
		r.extra(key)
	}
}

// successes reads the ends that are no failure. These are exit codes and signals; only systemd
// has a setting for signals.
func (r *unitReader) successes() {
	for _, word := range r.fields("SuccessExitStatus") {
		code, err := strconv.Atoi(word)
		if err == nil && code > 0 && code < 256 && !slices.Contains(platform.ExitsForGood(), code) {
			r.c.Restart.Success = append(r.c.Restart.Success, code)
			continue
		}
		r.c.Systemd.Extra = append(r.c.Systemd.Extra, "SuccessExitStatus="+word)
	}
}
