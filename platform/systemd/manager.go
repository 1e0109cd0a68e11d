package systemd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// Options say whose services a Manager keeps when their scope is a user. For
// services of the machine nothing is needed.
type Options struct {
	Home       string // the user's home directory
	ConfigHome string // $XDG_CONFIG_HOME; empty: .config in Home
	RuntimeDir string // $XDG_RUNTIME_DIR; empty: Removal leaves what is there
}

// Manager keeps services with systemd. It holds no state: every answer is a
// new question to the machine.
type Manager struct {
	sys platform.System
	o   Options
}

var _ platform.Manager = (*Manager)(nil)

// New makes a Manager that reaches the machine through sys.
func New(sys platform.System, o Options) *Manager { return &Manager{sys: sys, o: o} }

// Name is "systemd".
func (m *Manager) Name() string { return "systemd" }

const systemUnits = "/etc/systemd/system"

// unitFile is where the unit of id belongs.
func (m *Manager) unitFile(id platform.ID) (string, error) {
	if err := checkName(id); err != nil {
		return "", err
	}
	if id.Scope == platform.ScopeSystem {
		return path.Join(systemUnits, unit(id)), nil
	}
	config := m.o.ConfigHome
	if config == "" && m.o.Home != "" {
		config = path.Join(m.o.Home, ".config")
	}
	if !path.IsAbs(config) {
		return "", fmt.Errorf("the user's configuration directory is not known (HOME or XDG_CONFIG_HOME): %w", platform.ErrBadUnit)
	}
	return path.Join(config, "systemd/user", unit(id)), nil
}

func unit(id platform.ID) string { return id.String() + ".service" }

// runtimeDir is the directory that outlives the service by
// RuntimeDirectoryPreserve=, or, for a user, that the program made itself.
func (m *Manager) runtimeDir(id platform.ID) string {
	switch {
	case id.Scope == platform.ScopeSystem:
		return path.Join("/run", id.String())
	case path.IsAbs(m.o.RuntimeDir):
		return path.Join(m.o.RuntimeDir, id.String())
	}
	return ""
}

// systemctl is the one place where its command lines are made.
func systemctl(scope platform.Scope, args ...string) []string {
	argv := []string{"systemctl"}
	if scope == platform.ScopeUser {
		argv = append(argv, "--user")
	}
	return append(append(argv, "--no-pager", "--no-ask-password"), args...)
}

// Plan writes the unit file, has systemd read it and enables it. It refuses to
// replace a unit that holdfast did not make. Where no systemd answers (a plan
// for another machine) it takes for granted that there is none.
//
// The unit is for the version in u.Systemd.Version, else for this machine's
// systemd, else for any.
func (m *Manager) Plan(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	file, err := m.unitFile(u.ID)
	if err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	now, err := m.show(ctx, u.ID)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), context.Cause(ctx))
	case err != nil:
		now = properties{}
	}
	if err := m.ours(file, u.ID, now); err != nil {
		return nil, fmt.Errorf("install %q: %w", u.ID.String(), err)
	}
	version := u.Systemd.Version
	if version == 0 {
		version = m.version(ctx)
	}
	content, err := Render(u, version)
	if err != nil {
		return nil, err
	}
	run := func(describe string, undo []string, args ...string) platform.Step {
		return platform.Step{Kind: platform.StepRun, Describe: describe, Argv: systemctl(u.Scope, args...), Undo: undo}
	}
	reload := systemctl(u.Scope, "daemon-reload")
	enable, undo := "enable", systemctl(u.Scope, "disable", unit(u.ID))
	if now.enabled() {
		enable, undo = "reenable", nil // it may be wanted by another target than before
	}
	// Its undo comes last of all, when the old unit file is back in its place.
	steps := []platform.Step{run("see that systemd answers, before anything is changed", reload, "show", "--property=Version")}
	if dir := path.Dir(file); u.Scope == platform.ScopeUser && !m.exists(dir) {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: "the directory of your units", Argv: []string{"mkdir", "-p", dir}})
	}
	return append(steps,
		platform.Step{Kind: platform.StepWriteFile, Describe: "the unit of the service", Path: file, Mode: 0o644, Content: content},
		run("have systemd read the unit", nil, "daemon-reload"),
		run("start the service at boot or login", undo, enable, unit(u.ID)),
	), nil
}

func (m *Manager) exists(path string) bool {
	_, err := m.sys.Stat(path)
	return err == nil
}

// ours refuses what the install would replace or shadow without having made it.
func (m *Manager) ours(file string, id platform.ID, now properties) error {
	content, err := m.sys.ReadFile(file)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("unit file: %w", err)
	case now["LoadState"] == "masked":
		return fmt.Errorf("%s is masked by the administrator: systemctl unmask it, or choose another name: %w", unit(id), platform.ErrPermission)
	case err == nil && !bytes.HasPrefix(content, []byte(mark)):
		return fmt.Errorf("%s is not a unit of holdfast: remove it, or choose another name: %w", file, platform.ErrPermission)
	case err != nil && now["FragmentPath"] != "" && now["FragmentPath"] != file:
		return fmt.Errorf("a service of that name exists (%s): choose another name: %w", now["FragmentPath"], platform.ErrPermission)
	}
	return nil
}

// version is that of this machine's systemd, 0 if it cannot be told.
func (m *Manager) version(ctx context.Context) int {
	out, err := m.sys.Run(ctx, "systemctl", "--version")
	if err != nil {
		return 0
	}
	return parseVersion(out)
}

// parseVersion reads "systemd 257 (257.13-1~deb13u1)".
func parseVersion(out string) int {
	fields := strings.Fields(out)
	if len(fields) < 2 || fields[0] != "systemd" {
		return 0
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// Removal stops and disables the service and removes its unit file and its
// runtime directory. What the service keeps stays: its state, logs and
// configuration, if there is any. Drop-ins of the administrator stay, too.
func (m *Manager) Removal(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	file, err := m.unitFile(id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	content, err := m.sys.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("uninstall %q: unit file: %w", id.String(), err)
	case !bytes.HasPrefix(content, []byte(mark)):
		return nil, fmt.Errorf("uninstall %q: %s is not a unit of holdfast: %w", id.String(), file, platform.ErrPermission)
	}
	now, err := m.show(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("uninstall %q: %w", id.String(), err)
	}
	run := func(describe string, args ...string) platform.Step {
		return platform.Step{Kind: platform.StepRun, Describe: describe, Argv: systemctl(id.Scope, args...)}
	}
	var steps []platform.Step
	if now["LoadState"] == "loaded" || now.running() { // else stop fails: there is nothing that could run
		stop := run("stop the service", "stop", unit(id))
		if now.running() {
			stop.Undo = systemctl(id.Scope, "start", unit(id))
		}
		steps = append(steps, stop)
	}
	disable := run("do not start it any more at boot or login", "disable", unit(id))
	disable.Undo = systemctl(id.Scope, "daemon-reload")
	if now.enabled() {
		disable.Undo = systemctl(id.Scope, "enable", unit(id)) // it reads all units anew, too
	}
	forget := run("forget how it ended", "reset-failed", unit(id))
	forget.MayFail = true // it fails for a unit that has nothing to forget
	steps = append(steps, disable,
		platform.Step{Kind: platform.StepRemoveFile, Describe: "the unit of the service", Path: file},
		run("have systemd forget the unit", "daemon-reload"),
		forget)
	if dir := m.runtimeDir(id); dir != "" {
		steps = append(steps, platform.Step{Kind: platform.StepRemoveDir, Describe: "the service's files of this boot", Path: dir})
	}
	if kept := m.kept(id); len(kept) > 0 {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: "those directories that were made for the service and are empty", MayFail: true,
			Argv: append([]string{"rmdir", "--ignore-fail-on-non-empty"}, kept...),
		})
	}
	return steps, nil
}

// kept are the directories that systemd made for the service, and does not
// take away again.
func (m *Manager) kept(id platform.ID) []string {
	if id.Scope == platform.ScopeUser {
		return nil
	}
	return slices.DeleteFunc([]string{"/var/lib/" + id.String(), "/var/log/" + id.String(), "/etc/" + id.String()},
		func(dir string) bool { return !m.exists(dir) })
}

// Logs is a journalctl command line; n below 0 is the whole log.
func (m *Manager) Logs(id platform.ID, n int, follow bool) []string {
	argv := []string{"journalctl"}
	if id.Scope == platform.ScopeUser {
		argv = append(argv, "--user")
	}
	lines := "all"
	if n >= 0 {
		lines = strconv.Itoa(n)
	}
	argv = append(argv, "--no-pager", "-u", unit(id), "-n", lines)
	if follow {
		argv = append(argv, "-f")
	}
	return argv
}
