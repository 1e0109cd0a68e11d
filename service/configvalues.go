package service

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-dev/holdfast/platform"
)

// Smaller values cannot work on any system. A loaded machine would be too slow for a shorter
// watchdog, and a Go program needs these resources to start.
const (
	leastWatchdog       = time.Second
	leastHealthInterval = time.Millisecond
	leastMemory         = 1 << 20
	leastThreads        = 8
	leastFiles          = 16
)

// checkValues refuses values that are invalid for every manager and system. Each manager
// refuses those that it alone cannot honour.
func (c *Config) checkValues(bad func(key string, err error)) {
	for key, text := range map[string]string{"display_name": c.DisplayName, "description": c.Description, "user": c.User, "group": c.Group} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			bad(key, fmt.Errorf("%q contains a control character: it has to be one line of text", text))
		}
	}
	for _, arg := range c.Args {
		if strings.ContainsRune(arg, 0) {
			bad("args", fmt.Errorf("%q contains a NUL, which no argument can", arg))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			bad("env", fmt.Errorf("%q cannot be the name of a variable", name))
		}
		if strings.ContainsRune(c.Env[name], 0) { // it may be a secret
			bad("env", fmt.Errorf("the value of %q contains a NUL, which no variable can", name))
		}
	}
	for key, names := range map[string][]string{
		"after": c.After, "requires": c.Requires, "wants": c.Wants, "hardening.capabilities": c.Hardening.Capabilities,
		"hardening.read_write_paths": c.Hardening.ReadWritePaths, "hardening.supplementary_groups": c.Hardening.SupplementaryGroups,
	} {
		for _, name := range names {
			if strings.TrimSpace(name) == "" {
				bad(key, errors.New("contains an empty name"))
			}
		}
	}
	for _, dir := range c.Hardening.ReadWritePaths {
		if path := strings.TrimLeft(dir, "-+"); strings.TrimSpace(dir) != "" && !platform.AbsoluteAnywhere(path) { // systemd.exec(5) documents the prefixes
			bad("hardening.read_write_paths", fmt.Errorf("%q is not an absolute path", dir))
		}
	}
	c.checkAmounts(bad)
}

func (c *Config) checkAmounts(bad func(key string, err error)) {
	if c.Watchdog > 0 && c.Watchdog < leastWatchdog {
		bad("watchdog", fmt.Errorf(`%v is too short for a busy machine: at least %v, or "0s" for none`, c.Watchdog, leastWatchdog))
	}
	if c.HealthInterval > 0 && c.HealthInterval < leastHealthInterval {
		bad("health_interval", fmt.Errorf("%v is too short: use at least %v", c.HealthInterval, leastHealthInterval))
	}
	for key, l := range map[string]struct{ is, least uint64 }{
		"limits.nofile": {c.Limits.NoFile, leastFiles}, "limits.nproc": {c.Limits.NProc, leastThreads},
		"limits.tasks": {c.Limits.Tasks, leastThreads}, "limits.memory": {uint64(c.Limits.Memory), leastMemory},
	} {
		if l.is > 0 && l.is < l.least {
			bad(key, fmt.Errorf("%d is too small for any program: use at least %d, or leave the key out for no limit", l.is, l.least))
		}
	}
	if n := c.Limits.Nice; n < -20 || n > 19 {
		bad("limits.nice", fmt.Errorf("%d is not between -20 and 19", n))
	}
	if v := c.Systemd.Version; v < 0 {
		bad("systemd.version", fmt.Errorf("%d is negative", v))
	}
}
