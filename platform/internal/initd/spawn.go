package initd

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
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
