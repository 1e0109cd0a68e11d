package initd

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/shell"
)

// Spawn returns the command that becomes the service, without the command line to execute. The
// account and the limits of the service are in flags of that command.
func (s *Script) Spawn() []string {
	u := s.Unit
	argv := append(slices.Clone(u.Commands.Spawn), "--umask", fmt.Sprintf("%04o", *u.Umask))
	add := func(name, value string) {
		if value != "" {
			argv = append(argv, name, value)
		}
	}
	number := func(name string, n uint64) {
		if n != 0 {
			add(name, strconv.FormatUint(n, 10))
		}
	}
	add("--user", u.User)
	add("--group", u.Group)
	add("--groups", strings.Join(u.Hardening.SupplementaryGroups, ","))
	add("--directory", u.WorkingDirectory)
	names := slices.Sorted(maps.Keys(u.Env))
	add("--keep", strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "PATH" }), ","))
	add("--path", u.Env["PATH"])
	number("--nofile", u.Limits.NoFile)
	number("--nproc", u.Limits.NProc)
	if u.Limits.Core != nil {
		add("--core", strconv.FormatUint(*u.Limits.Core, 10))
	}
	if u.Limits.Nice != 0 {
		add("--nice", strconv.Itoa(u.Limits.Nice))
	}
	if u.Hardening.NoNewPrivileges == platform.On {
		argv = append(argv, "--no-new-privileges")
	}
	return append(argv, "--starter", s.dialect.Manager, "--output", Output(u.ID))
}

// Supervise returns the command that restarts the service according to its restart policy,
// without the command line to execute.
func (s *Script) Supervise() []string {
	r := s.Unit.Restart
	return append(slices.Clone(s.Unit.Commands.Supervise),
		"--restart", r.Rule(), "--delay", r.Delay.String(), "--max="+strconv.Itoa(r.Max), "--window", r.Window.String(),
		"--starter", s.dialect.Manager)
}

// SpawnSupervisor returns the whole command line that becomes the supervisor of the service.
func (s *Script) SpawnSupervisor() []string {
	return slices.Concat(s.Spawn(), []string{"--"}, s.Supervise(), []string{"--"}, s.Unit.Exec)
}

// Lend returns a shell command that has a process keep what the supervisor keeps, until the
// process pid has ended. It returns when that is so. Whoever starts the next supervisor
// passes pid in HOLDFAST_LENDER: see package service/supervise.
func (s *Script) Lend(pid string) string {
	return `: "$(` + shell.Words(append(slices.Clone(s.Unit.Commands.Supervise), "--lend")) + " " + pid + ` 2>/dev/null &)"`
}

// PIDFile returns the path of the PID file that the service itself writes.
func (s *Script) PIDFile() string {
	id := s.Unit.ID
	return path.Join(cmp.Or(s.Unit.RuntimeDir, runtimeDir(id)), id.String()+".pid")
}
