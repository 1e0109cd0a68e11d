//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A tree is a machine whose files are below a directory, with a simulated manager. The
// manager's knowledge is in files there too, so that it outlives the process. Paths that are
// already below the directory stay as they are.
type tree struct {
	root, manager string
	now           func() time.Time
}

const (
	faultName = "hfault"
	badWord   = "/opt/bad" // in a definition: its service does not become ready
)

// The simulated managers keep their knowledge here.
const (
	ranBy    = "/fake/running"  // the definition by which the service runs
	loadedAs = "/fake/loaded"   // systemd's, of a service that runs
	disabled = "/fake/disabled" // launchd's
	wants    = "/etc/systemd/system/multi-user.target.wants/" + faultName + ".service"
)

func (m tree) at(path string) string {
	if path == m.root || strings.HasPrefix(path, m.root+"/") {
		return path
	}
	return filepath.Join(m.root, path)
}

func (m tree) ReadFile(path string) ([]byte, error)  { return os.ReadFile(m.at(path)) }
func (m tree) Remove(path string) error              { return os.Remove(m.at(path)) }
func (m tree) RemoveAll(path string) error           { return os.RemoveAll(m.at(path)) }
func (m tree) Stat(path string) (fs.FileInfo, error) { return os.Stat(m.at(path)) }
func (m tree) MakeDir(path string, mode fs.FileMode) error {
	return files.MakeDirAs(m.at(path), mode)
}
func (m tree) Owner(string) (platform.Owner, error) { return platform.Owner{UID: -1, GID: -1}, nil }

func (m tree) Chown(path string, o platform.Owner) error { return os.Lchown(m.at(path), o.UID, o.GID) }

func (m tree) exists(path string) bool { _, err := os.Lstat(m.at(path)); return err == nil }

func (m tree) content(path string) string { b, _ := os.ReadFile(m.at(path)); return string(b) }
func (m tree) definition() string         { return definitions[m.manager] }
func (m tree) WriteFile(p string, b []byte, mode fs.FileMode) error {
	return files.Replace(m.at(p), b, mode, false)
}

var definitions = map[string]string{ //nolint:gochecknoglobals // a table
	"systemd": "/etc/systemd/system/" + faultName + ".service",
	"sysv":    "/etc/init.d/" + faultName, "openrc": "/etc/init.d/" + faultName,
	"launchd": "/Library/LaunchDaemons/" + faultName + ".plist",
}

func (m tree) put(path, content string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(m.at(path)), 0o755), os.WriteFile(m.at(path), []byte(content), 0o600))
}

// start makes the service run by a definition, and writes what services write.
func (m tree) start(by string) bool {
	if strings.Contains(by, badWord) {
		return false
	}
	run := filepath.Join(m.root, "run", faultName)
	s := state.State{Name: faultName, Process: feedd, Phase: platform.PhaseReady, PhaseSince: m.now(), StartedAt: m.now()}
	content, err := json.Marshal(s)
	return errors.Join(err, m.put(ranBy, by), m.put(state.Path(run, faultName), string(content)),
		m.put("/run/openrc/options/"+faultName+"/child_pid", "70"), m.put("/proc/70/stat", "")) == nil
}

// stop leaves only the directories of the service.
func (m tree) stop() {
	run := filepath.Join(m.root, "run", faultName)
	for _, path := range []string{ranBy, state.Path(run, faultName), "/run/openrc/options/" + faultName, "/proc/70"} {
		_ = os.RemoveAll(m.at(path))
	}
}

func (m tree) running() bool { return m.exists(ranBy) }

// Run simulates the commands. An unknown command ends with 127.
func (m tree) Run(ctx context.Context, argv ...string) (string, error) {
	if ctx.Err() != nil {
		return "", &platform.CommandError{Argv: argv, Code: -1, Err: context.Cause(ctx)}
	}
	out, code := m.play(argv)
	if code != 0 {
		return out, &platform.CommandError{Argv: argv, Code: code, Stderr: "it failed"}
	}
	return out, nil
}

func (m tree) play(argv []string) (string, int) {
	last := argv[len(argv)-1]
	switch argv[0] {
	case "readlink":
		to, err := os.Readlink(m.at(last))
		return to + "\n", failed(err)
	case "mkdir", "install":
		return "", failed(os.MkdirAll(m.at(last), 0o755))
	case "rmdir":
		for _, dir := range argv[2:] {
			_ = os.Remove(m.at(dir))
		}
		return "", 0
	case "ln":
		_ = os.Remove(m.at(last))
		return "", failed(os.Symlink(argv[2], m.at(last)))
	case "rm":
		_ = os.Remove(m.at(last))
		return "", 0
	case "find":
		return m.find(argv[1:])
	case "/usr/sbin/useradd", "/usr/sbin/groupadd", "/usr/sbin/userdel", "/usr/sbin/groupdel", "id":
		return m.accounts(argv[0], last)
	case "/usr/bin/dscl":
		return m.dscl(argv[2:])
	case "systemctl":
		return m.systemctl(slices.DeleteFunc(slices.Clone(argv[1:]), func(a string) bool { return strings.HasPrefix(a, "--no-") }))
	case "/etc/init.d/" + faultName:
		return m.script(argv[1])
	case "rc-service":
		return m.script(last)
	case "rc-update":
		return m.update(argv[1], last)
	case "launchctl":
		return m.launchctl(argv[1:])
	}
	return "", 127
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// accounts simulates accounts as files. Like real ones, they exist only once, and a missing
// one cannot be removed. A user is removed with its group.
func (m tree) accounts(command, name string) (string, int) {
	user, group := "/fake/users/"+name, "/fake/groups/"+name
	switch command {
	case "id":
		return "", failed2(m.exists(user))
	case "/usr/sbin/groupadd":
		if m.exists(group) {
			return "", 9
		}
		return "", failed(m.put(group, ""))
	case "/usr/sbin/useradd":
		if m.exists(user) {
			return "", 9
		}
		return "", failed(m.put(user, ""))
	case "/usr/sbin/userdel":
		_ = os.Remove(m.at(group))
		return "", failed(os.Remove(m.at(user)))
	}
	return "", failed(os.Remove(m.at(group)))
}

// dscl simulates that of macOS. A record is a file of its keys. Making an existing one
// succeeds, and removing a missing one fails.
func (m tree) dscl(args []string) (string, int) {
	path := "/fake" + strings.ToLower(args[1])
	switch args[0] {
	case "-list":
		var out strings.Builder
		entries, err := os.ReadDir(m.at(path))
		for _, e := range entries {
			if _, rest, ok := strings.Cut(m.content(path+"/"+e.Name()), args[2]+"="); ok {
				fmt.Fprintf(&out, "%-20s %s\n", e.Name(), strings.SplitN(rest, "\n", 2)[0])
			}
		}
		return out.String() + "_www                 70\nnobody               -2\n", failed(err)
	case "-create":
		text := m.content(path)
		if len(args) == 4 {
			text += args[2] + "=" + args[3] + "\n"
		}
		return "", failed(m.put(path, text))
	case "-read":
		if !m.exists(path) {
			return "<dscl_cmd> DS Error: -14136 (eDSRecordNotFound)\n", 56
		}
		return m.content(path), 0
	case "-delete":
		return "", failed(os.Remove(m.at(path)))
	}
	return "", 64
}

// find knows the two forms that we use.
func (m tree) find(args []string) (string, int) {
	var out strings.Builder
	name := args[len(args)-1]
	for _, dir := range args[:len(args)-2] {
		pattern := filepath.Join(m.at(dir), name)
		if dir == "/etc/runlevels" {
			pattern = filepath.Join(m.at(dir), "*", name)
		}
		found, _ := filepath.Glob(pattern)
		for _, path := range found {
			fmt.Fprintln(&out, strings.TrimPrefix(path, m.root))
		}
	}
	return out.String(), 0
}

func (m tree) systemctl(args []string) (string, int) {
	unit := m.definition()
	switch args[0] {
	case "--version":
		return "systemd 257 (257.1)\n", 0
	case "show":
		return m.show(), 0
	case "daemon-reload":
		if m.manager != "systemd" {
			return "", 1
		}
	case "enable", "reenable":
		if !m.exists(unit) {
			return "", 1
		}
		if !m.exists(wants) {
			_ = os.MkdirAll(filepath.Dir(m.at(wants)), 0o755)
			if err := os.Symlink(unit, m.at(wants)); err != nil {
				return "", 1
			}
		}
	case "disable":
		if !m.exists(unit) {
			return "", 1
		}
		_ = os.Remove(m.at(wants))
	case "reset-failed":
		return "", failed2(m.exists(unit) || m.running())
	case "stop":
		if !m.exists(unit) && !m.running() {
			return "", 5
		}
		m.stop()
		_ = os.Remove(m.at(loadedAs))
		return "", 0
	case "start", "restart":
		by := m.content(unit)
		if m.exists(loadedAs) {
			by = m.content(loadedAs)
		}
		switch {
		case by == "":
			return "", 5
		case args[0] == "start" && m.running():
			return "", 0
		}
		m.stop()
		if !m.start(by) {
			_ = os.Remove(m.at(loadedAs))
			return "", 1
		}
		return "", failed(m.put(loadedAs, by))
	}
	// All others read the units anew.
	if m.running() {
		return "", failed(m.put(loadedAs, m.content(unit)))
	}
	_ = os.Remove(m.at(loadedAs))
	return "", 0
}

func failed2(ok bool) int {
	if !ok {
		return 1
	}
	return 0
}

func (m tree) show() string {
	unit := m.definition()
	load, active, pid, file, enabled := "not-found", "inactive", "0", "", ""
	if m.exists(unit) {
		load, file, enabled = "loaded", unit, "disabled"
		if m.exists(wants) {
			enabled = "enabled"
		}
	}
	if m.running() {
		load, file, active, pid = "loaded", unit, "active", "70"
	}
	return fmt.Sprintf("LoadState=%s\nActiveState=%s\nSubState=x\nUnitFileState=%s\nFragmentPath=%s\nMainPID=%s\nResult=success\nVersion=257\n",
		load, active, enabled, file, pid)
}

// script simulates an init script, or OpenRC's command for it.
func (m tree) script(verb string) (string, int) {
	by := m.content(m.definition())
	if by == "" {
		return "", 1
	}
	switch verb {
	case "stop":
		m.stop()
	case "start", "restart":
		if verb == "start" && m.running() {
			return "", 0
		}
		m.stop()
		return "", failed2(m.start(by))
	default: // status, of both
		if m.running() {
			return `{"phase":"ready","pid":70,"started_by":"sysv"}`, 0
		}
		return `{"phase":"stopped"}`, 3
	}
	return "", 0
}

func (m tree) update(verb, level string) (string, int) {
	link := "/etc/runlevels/" + level + "/" + faultName
	switch {
	case verb == "add" && m.exists(link):
		return "", 0
	case verb == "add" && !m.exists(m.definition()):
		return "", 1
	case verb == "add":
		return "", failed(os.Symlink("/etc/init.d/"+faultName, m.at(link)))
	}
	return "", failed(os.Remove(m.at(link))) // it minds what is not there
}

func (m tree) launchctl(args []string) (string, int) {
	switch args[0] {
	case "print":
		if args[1] == "system" {
			return "", 0
		}
		if !m.running() {
			return "", 113
		}
		text := "system/" + faultName + " = {\n\tpath = " + m.definition() + "\n\truns = 1\n"
		if strings.HasPrefix(m.content(ranBy), "dead") {
			return text + "\tstate = not running\n\tlast exit code = 1\n}\n", 0
		}
		return text + "\tstate = running\n\tpid = 70\n}\n", 0
	case "print-disabled":
		if m.exists(disabled) {
			return "\t\"" + faultName + "\" => disabled\n", 0
		}
		return "", 0
	case "enable":
		_ = os.Remove(m.at(disabled))
		return "", 0
	case "disable":
		return "", failed(m.put(disabled, ""))
	case "bootout":
		if !m.running() {
			return "", 3
		}
		m.stop()
		return "", 0
	case "bootstrap":
		by := m.content(m.definition())
		switch {
		case m.running():
			return "", 37
		case by == "":
			return "", 2
		case m.exists(disabled):
			return "", 119
		case !m.start(by):
			return "", failed(m.put(ranBy, "dead"))
		}
		return "", 0
	}
	return "", 127
}

// times are the values that differ between any two calls.
var times = regexp.MustCompile(`2026-01-02T[0-9:.]*Z`)

// snapshot returns all files, links and directories of the machine.
func (m tree) snapshot() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, m.root)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			all[name] = "directory"
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			all[name] = "link to " + to
			return err
		default:
			content, err := os.ReadFile(path)
			all[name] = fmt.Sprintf("%v\n%s", info.Mode(), times.ReplaceAll(content, []byte("2026-01-02T10:00:00Z")))
			return err
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all
}

// restore brings the machine back to a snapshot.
func (m tree) restore(all map[string]string) error {
	if err := os.RemoveAll(m.root); err != nil {
		return err
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path, what := m.root+name, all[name]
		var err error
		if to, ok := strings.CutPrefix(what, "link to "); ok {
			err = os.Symlink(to, path)
		} else if what == "directory" {
			err = os.Mkdir(path, 0o755)
		} else {
			mode, content, _ := strings.Cut(what, "\n")
			bits := fs.FileMode(0)
			for i, c := range []byte(mode)[1:] {
				if c != '-' {
					bits |= 1 << (8 - i)
				}
			}
			err = errors.Join(os.WriteFile(path, []byte(content), bits), os.Chmod(path, bits))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// differ says where two snapshots differ.
func differ(got, want map[string]string) string {
	var b bytes.Buffer
	for name, what := range got {
		if other, ok := want[name]; !ok {
			fmt.Fprintf(&b, "more: %s: %.60q\n", name, what)
		} else if other != what {
			is, was := strings.Split(what, "\n"), strings.Split(other, "\n")
			for i := range min(len(is), len(was)) {
				if is[i] != was[i] {
					fmt.Fprintf(&b, "%s: %.200s\nwant %.200s\n", name, is[i], was[i])
					break
				}
			}
			fmt.Fprintf(&b, "%s: %d lines, want %d\n", name, len(is), len(was))
		}
	}
	for name, what := range want {
		if _, ok := got[name]; !ok {
			fmt.Fprintf(&b, "less: %s: %.60q\n", name, what)
		}
	}
	return b.String()
}
