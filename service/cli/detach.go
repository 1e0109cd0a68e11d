package cli

import (
	"context"
	"os"
	"os/exec"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// detach starts a process that survives the end of this process, of its terminal, of its
// session and of the service. On systemd it is its own unit, because systemd would kill a
// process in the control group of a service or session together with that group.
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
		cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec,noctx // the command is this program, and it outlives us
		cmd.Dir = "/"
		return cmd
	})
	if err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // reap it, so that it is known to be dead
	return nil
}

// asUnit returns the command by which systemd runs argv unchanged, as its own unit.
func asUnit(scope platform.Scope, id string, argv []string) []string {
	unit := []string{"systemd-run", "--quiet", "--collect", "--unit=holdfast-upgrade-" + id}
	if scope == platform.ScopeUser {
		unit = append(unit, "--user")
	}
	for _, name := range []string{"HOME", "PATH", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} { // these say where things are
		if value, ok := os.LookupEnv(name); ok {
			unit = append(unit, "--setenv="+name+"="+value)
		}
	}
	unit = append(unit, "--", argv[0])
	for _, word := range argv[1:] {
		unit = append(unit, strings.ReplaceAll(word, "$", "$$")) // systemd would expand variables
	}
	return unit
}
