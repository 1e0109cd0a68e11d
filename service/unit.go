package service

import (
	"fmt"
	"path/filepath"

	"github.com/holdfast-dev/holdfast/platform"
)

// Unit describes the service to a manager that will start program, an absolute
// path, with `run`. c has been loaded.
func (c Config) Unit(program string, scope platform.Scope) (platform.Unit, error) {
	umask, err := c.umask()
	if err != nil {
		return platform.Unit{}, fmt.Errorf("%w: umask: %w", ErrConfig, err)
	}
	r := c.Restart
	if r.Max < 0 {
		r.Max = 0 // no limit, as platform.Restart has it
	}
	h := c.Hardening
	return platform.Unit{
		ID: c.ID(scope), DisplayName: c.DisplayName, Description: c.Description, Version: c.Version,
		Exec:   c.command(program, "run", c.Args...),
		Reload: c.command(program, "reload", "--direct"),
		Env:    c.Env, User: c.User, Group: c.Group, WorkingDirectory: c.WorkingDirectory, Umask: umask,
		RuntimeDir: c.RuntimeDir, StateDir: c.StateDir, After: c.After, Requires: c.Requires,
		StartTimeout: c.StartTimeout, StopTimeout: c.StopTimeout, ReloadTimeout: c.ReloadTimeout, Watchdog: c.Watchdog,
		Restart: platform.Restart{Policy: r.Policy, Delay: r.Delay, Max: r.Max, Window: r.Window},
		Limits: platform.Limits{
			NoFile: c.Limits.NoFile, NProc: c.Limits.NProc, Core: c.Limits.Core, Memory: uint64(c.Limits.Memory),
			Tasks: c.Limits.Tasks, CPU: c.Limits.CPU, Nice: c.Limits.Nice,
		},
		Hardening: platform.Hardening{
			NoNewPrivileges: h.NoNewPrivileges == On, ProtectSystem: h.ProtectSystem == On, ProtectHome: h.ProtectHome == On,
			PrivateTmp: h.PrivateTmp == On, PrivateDevices: h.PrivateDevices == On, ProtectKernel: h.ProtectKernel == On,
			ProtectProc: h.ProtectProc == On, RestrictNetwork: h.RestrictNetwork == On, RestrictSyscalls: h.RestrictSyscalls == On,
			MemoryDenyWrite: h.MemoryDenyWrite == On,
			Capabilities:    h.Capabilities, ReadWritePaths: c.writablePaths(), SupplementaryGrps: h.SupplementaryGroups,
		},
		Supervise: c.Supervise,
		Systemd:   platform.SystemdOptions{Extra: c.Systemd.Extra, WantedBy: c.Systemd.WantedBy, Version: c.Systemd.Version},
	}, nil
}

// writablePaths are the exceptions from ProtectSystem: those asked for, and the
// directory that our own log file lies in.
func (c Config) writablePaths() []string {
	paths := c.Hardening.ReadWritePaths
	if c.Log.File != "" {
		paths = append(paths[:len(paths):len(paths)], filepath.Dir(c.Log.File))
	}
	return paths
}

// command is how program is called for verb of this very service: the flags
// come first, so that no argument of the user's can be taken for one of them.
func (c Config) command(program, verb string, args ...string) []string {
	argv := []string{program, verb}
	for _, flag := range []struct{ name, value string }{
		{"--config", c.File}, {"--instance", c.Instance}, {"--runtime-dir", c.RuntimeDir}, {"--state-dir", c.StateDir},
	} {
		if flag.value != "" {
			argv = append(argv, flag.name, flag.value)
		}
	}
	return append(argv, args...)
}
