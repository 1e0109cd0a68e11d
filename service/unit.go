package service

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Unit describes the service to a manager that will start program, an absolute
// path, with `run`. c has been loaded.
func (c Config) Unit(program string, scope platform.Scope) (platform.Unit, error) {
	c.Scope = scope
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
		Exec:   c.command(program, "run", after(c.Args)...),
		Reload: c.command(program, "reload", "--direct"),
		Own:    c.own(program, umask),
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

// own are the commands that go around managers.
func (c Config) own(program string, umask *fs.FileMode) platform.Commands {
	command := func(verb string, args ...string) []string {
		return c.command(program, verb, append([]string{"--manager", "none"}, args...)...)
	}
	return platform.Commands{
		Check: command("check"), Status: command("status"), Stop: command("stop", "--kill"), Await: command("await"),
		Spawn:     append(c.verb(program, "spawn"), c.identity(umask)...),
		Supervise: append(command("supervise"), c.supervision()...),
	}
}

// identity says by flags of `spawn` who the service is and what it may use.
func (c Config) identity(umask *fs.FileMode) []string {
	mask := fs.FileMode(0o027)
	if umask != nil {
		mask = *umask
	}
	flags := []string{"--umask", fmt.Sprintf("%04o", mask)}
	add := func(name, value string) {
		if value != "" {
			flags = append(flags, name, value)
		}
	}
	number := func(name string, n uint64) {
		if n != 0 {
			add(name, strconv.FormatUint(n, 10))
		}
	}
	add("--user", c.User)
	add("--group", c.Group)
	add("--groups", strings.Join(c.Hardening.SupplementaryGroups, ","))
	add("--directory", c.WorkingDirectory)
	names := slices.Sorted(maps.Keys(c.Env))
	add("--keep", strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "PATH" }), ","))
	add("--path", c.Env["PATH"])
	number("--nofile", c.Limits.NoFile)
	number("--nproc", c.Limits.NProc)
	if c.Limits.Core != nil {
		add("--core", strconv.FormatUint(*c.Limits.Core, 10))
	}
	if c.Limits.Nice != 0 {
		add("--nice", strconv.Itoa(c.Limits.Nice))
	}
	if c.Hardening.NoNewPrivileges == On {
		flags = append(flags, "--no-new-privileges")
	}
	return flags
}

// supervision says by flags of `supervise` when the service is started again.
func (c Config) supervision() []string {
	return []string{
		"--restart", string(c.Restart.Policy), "--delay", c.Restart.Delay.String(),
		"--max", strconv.Itoa(max(0, c.Restart.Max)), "--window", c.Restart.Window.String(),
	}
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

// after puts a "--" in front of arguments, so that none of them can be taken for
// a flag.
func after(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	return append([]string{"--"}, args...)
}

// verb is how program is called for one of our commands, wherever in its command
// tree they are mounted.
func (c Config) verb(program, verb string) []string {
	return append(append([]string{program}, c.Command...), verb)
}

// command is how program is called for verb of this very service.
func (c Config) command(program, verb string, args ...string) []string {
	argv := c.verb(program, verb)
	for _, flag := range []struct{ name, value string }{
		{"--config", c.File}, {"--instance", c.Instance}, {"--runtime-dir", c.RuntimeDir}, {"--state-dir", c.StateDir}, {"--scope", string(c.Scope)},
	} {
		if flag.value != "" {
			argv = append(argv, flag.name, flag.value)
		}
	}
	return append(argv, args...)
}
