package service

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

// Unit returns the unit for a manager that starts program, an absolute path, with `run`. c
// must have been loaded.
func (c Config) Unit(program string, scope platform.Scope) (platform.Unit, error) {
	c.Scope = scope
	umask, err := c.umask()
	if err != nil {
		return platform.Unit{}, fmt.Errorf("%w: umask: %w", ErrConfig, err)
	}
	h := c.Hardening
	h.ReadWritePaths = c.writablePaths()
	u := platform.Unit{
		ID: c.ID(scope), DisplayName: c.DisplayName, Description: c.Description, Version: c.Version,
		Exec:     c.command(program, "run", after(c.Args)...),
		Reload:   c.command(program, "reload", "--direct"),
		Commands: c.commands(program),
		Env:      c.Env, User: c.User, Group: c.Group, WorkingDirectory: c.WorkingDirectory, RootDirectory: c.RootDirectory, Umask: umask,
		RuntimeDir: c.RuntimeDir, StateDir: c.StateDir,
		StartType: c.StartType, Activation: c.Activation, After: c.After, Requires: c.Requires, Wants: c.Wants, NeedsNetwork: c.NeedsNetwork,
		StartTimeout: c.StartTimeout, StopTimeout: c.StopTimeout, ReloadTimeout: c.ReloadTimeout, Watchdog: c.Watchdog,
		Restart: c.Restart, Limits: c.Limits, Hardening: h, Supervise: c.Supervise, Sockets: c.Sockets,
		Systemd: c.Systemd, Launchd: c.Launchd, Windows: c.Windows, Container: c.Container,
		ConfigFile: c.File, Probes: c.probes(),
	}
	c.Guest.change(&u, program)
	return u, nil
}

// commands returns the commands that bypass the manager.
func (c *Config) commands(program string) platform.Commands {
	command := func(verb string, args ...string) []string {
		return c.command(program, verb, append([]string{"--manager", "none"}, args...)...)
	}
	return platform.Commands{
		Check: command("check"), Status: command("status"), Ready: command("status", "--ready"),
		Stop: command("stop", c.Guest.timeout(c.StopTimeout, "--kill")...), Await: command("await", c.Guest.timeout(c.StartTimeout)...),
		Spawn: append(c.verb(program, "spawn"), c.Guest.spawned()...), Supervise: command("supervise"),
	}
}

// writablePaths returns the exceptions from ProtectSystem: the configured paths, and the
// directory of our own log file.
func (c *Config) writablePaths() []string {
	paths := c.Hardening.ReadWritePaths
	if c.Log.File != "" {
		paths = append(paths[:len(paths):len(paths)], platform.DirAnywhere(c.Log.File))
	}
	return paths
}

// after puts a "--" before args, so that none of them can be taken for a flag.
func after(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	return append([]string{"--"}, args...)
}

// verb returns the command line of one of our commands, wherever they are mounted in the
// program's command tree.
func (c *Config) verb(program, verb string) []string {
	return append(append(append(c.Guest.way(), program), c.Command...), verb)
}

// command returns the command line of verb for this very service.
func (c *Config) command(program, verb string, args ...string) []string {
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
