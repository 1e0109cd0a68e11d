package sysv

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/shell"
)

//go:embed script.sh
var template string

// mark is the second line of every script that is ours to replace and to remove.
const mark = "# Made by holdfast"

// starter is what the service says has started it.
const starter = "sysv"

// Render gives the text of the init script for u. It touches nothing and is the
// same on every operating system. What cannot be honoured is an error that wraps
// platform.ErrBadUnit and names every field concerned.
func Render(u platform.Unit) ([]byte, error) {
	r := renderer{u: u}
	r.check()
	text := strings.NewReplacer(
		"@MARK@", mark+": the next install or uninstall replaces this file.",
		"@HEADER@", r.header(),
		"@NAME@", shell.Quote(u.ID.String()),
		"@PROGRAM@", shell.Quote(first(u.Exec)),
		"@DIRECTORIES@", r.directories(),
		"@STATUS@", shell.Words(u.Own.Status),
		"@CHECK@", shell.Words(u.Own.Check),
		"@AWAIT@", shell.Words(append(slices.Clone(u.Own.Await), "--starter", starter, "--pid")),
		"@USER@", shell.Quote(user(u)),
		"@OWNER@", shell.Quote(owner(u)),
		"@MAKE@", r.makeDirectories(),
		"@ENVIRONMENT@", r.environment(),
		"@SPAWN@", shell.Words(r.spawn()),
		"@STOP@", shell.Words(u.Own.Stop),
		"@RELOAD@", shell.Words(u.Reload),
		"@OUTPUT@", shell.Quote(output(u.ID)),
		"@SUBSYS@", shell.Quote("/var/lock/subsys/"+u.ID.String()),
	).Replace(template)
	if len(r.errs) > 0 {
		return nil, fmt.Errorf("init script %q: %w", u.ID.String(), errors.Join(r.errs...))
	}
	return []byte(text), nil
}

// renderer collects what is wrong with a unit, so that a person learns of
// everything at once.
type renderer struct {
	u    platform.Unit
	errs []error
}

func (r *renderer) refuse(field, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s %w: %w", field, fmt.Errorf(format, args...), platform.ErrBadUnit))
}

func first(argv []string) string {
	if len(argv) == 0 {
		return ""
	}
	return argv[0]
}

// output is the file with what the service prints.
func output(id platform.ID) string { return path.Join("/var/log", id.String(), "output.log") }

// user owns the service's directories.
func user(u platform.Unit) string { return cmp.Or(u.User, "root") }

// owner is for chown(1): a group that is not named is the user's own, but for a
// number, of which chown does not ask who that is.
func owner(u platform.Unit) string {
	if _, err := strconv.Atoi(u.User); err == nil && u.Group == "" {
		return u.User
	}
	return user(u) + ":" + u.Group
}

// own are the service's directories as systemd.exec(5) names them, which is what
// the program looks for. Those that it was given by flags it makes itself.
func (r *renderer) own() []directory {
	name := r.u.ID.String()
	dirs := make([]directory, 0, 4)
	if r.u.RuntimeDir == "" {
		// 0755: `status` of any user reads the state file and the last-run record.
		dirs = append(dirs, directory{"RUNTIME_DIRECTORY", path.Join("/run", name), "0755"})
	}
	if r.u.StateDir == "" {
		dirs = append(dirs, directory{"STATE_DIRECTORY", path.Join("/var/lib", name), "0755"})
	}
	return append(dirs,
		directory{"LOGS_DIRECTORY", path.Dir(output(r.u.ID)), "0750"},
		directory{"CONFIGURATION_DIRECTORY", path.Join("/etc", name), ""}) // the administrator's to make
}

type directory struct{ variable, path, mode string }

func (r *renderer) directories() string {
	var lines, names []string
	for _, d := range r.own() {
		lines = append(lines, d.variable+"="+shell.Quote(d.path))
		names = append(names, d.variable)
	}
	return strings.Join(lines, "\n") + "\nexport " + strings.Join(names, " ")
}

func (r *renderer) makeDirectories() string {
	var lines strings.Builder
	for _, d := range r.own() {
		if d.mode != "" {
			fmt.Fprintf(&lines, "\tdirectory %s %s || return 1\n", shell.Quote(d.path), d.mode)
		}
	}
	return lines.String()
}

func (r *renderer) environment() string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.u.Env)) {
		value := r.u.Env[name]
		if err := errors.Join(shell.CheckVariable(name), shell.CheckWord(value)); err != nil {
			r.refuse("env", "%q: %w", name, err) // not the value: it may be a secret
			continue
		}
		if name == "PATH" {
			continue // is in Own.Spawn
		}
		fmt.Fprintf(&lines, "\t\t%s=%s\n\t\texport %s\n", name, shell.Quote(value), name)
	}
	return lines.String()
}

// spawn is the command line that becomes the service.
func (r *renderer) spawn() []string {
	argv := append(slices.Clone(r.u.Own.Spawn), "--starter", starter, "--output", output(r.u.ID), "--")
	if r.u.Supervise {
		argv = append(append(argv, r.u.Own.Supervise...), "--starter", starter, "--")
	}
	return append(argv, r.u.Exec...)
}
