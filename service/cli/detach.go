package cli

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// detach begins a process that neither the end of this one, of its terminal, of its
// session nor of the service ends. On systemd it is a unit of its own: a process of a
// service's, or of a session's, control group would be killed with that.
func (m machine) detach(ctx context.Context, manager string, scope platform.Scope, id string, argv []string) error {
	image, err := m.image()
	if err != nil {
		return err
	}
	argv[0] = image
	if manager == "systemd" {
		if _, err := (native.System{}).Run(ctx, asUnit(scope, id, argv)...); err == nil {
			return nil
		}
	}
	cmd, err := startApart(func() *exec.Cmd {
		cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // ourselves, and it outlives us
		cmd.Dir = "/"
		return cmd
	})
	if err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // no zombie: it is known to be dead
	return nil
}

// asUnit has systemd run argv as it is, as a unit of its own.
func asUnit(scope platform.Scope, id string, argv []string) []string {
	unit := []string{"systemd-run", "--quiet", "--collect", "--unit=holdfast-upgrade-" + id}
	if scope == platform.ScopeUser {
		unit = append(unit, "--user")
	}
	for _, name := range []string{"HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} { // where things are
		if value, ok := os.LookupEnv(name); ok {
			unit = append(unit, "--setenv="+name+"="+value)
		}
	}
	unit = append(unit, "--", argv[0])
	for _, word := range argv[1:] {
		unit = append(unit, strings.ReplaceAll(word, "$", "$$")) // systemd puts variables in their place
	}
	return unit
}
