package systemd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// notifyReload is the first systemd with Type=notify-reload. Earlier ones ignore the whole
// line with a warning, and then do not wait for READY=1.
const notifyReload = 253

// mark begins every unit file that holdfast made and may replace and remove.
const mark = "# Made by holdfast"

// Render returns the unit file for u, for that version of systemd, or for any if version is 0.
// It does not touch the machine, and its result is the same on every operating system. If
// settings cannot be expressed, the error wraps platform.ErrBadUnit and names all of them.
func Render(u platform.Unit, version int) ([]byte, error) {
	u = u.WithDefaults()
	var f unitFile
	f.Add(room.CheckID(u.ID))
	f.text.WriteString(mark + ": the next install or uninstall replaces this file. For changes of your own: " + edit(u.Scope, u.ID.String()) + "\n")

	f.section("Unit")
	f.say("Description", "description", u.Description, text)
	order(&f, u)
	startLimit(&f, u.Restart)
	extra(&f, "systemd.unit_extra", u.Systemd.UnitExtra)

	f.section("Service")
	commands(&f, u, version)
	activation(&f, u)
	restart(&f, u.Restart)
	timeouts(&f, u)
	root := accounts(&f, u)
	surroundings(&f, u)
	limits(&f, u, version)
	directories(&f, u)
	store(&f, u, version)
	harden(&f, u, root)
	hidden(&f, u)
	extra(&f, "systemd.extra", u.Systemd.Extra)

	f.RefuseIfNot("start_type", platform.OneOf(u.StartType, platform.StartTypes()))
	f.section("Install")
	target := u.Systemd.WantedBy
	if target == "" && u.Scope == platform.ScopeUser {
		target = "default.target" // a user's systemd has no multi-user.target
	} else if target == "" {
		target = "multi-user.target"
	}
	f.say("WantedBy", "systemd.wanted_by", target, wanting)

	if err := f.Err("systemd unit", u.ID); err != nil {
		return nil, err
	}
	return []byte(f.text.String()), nil
}

// wanting returns the name of a unit that others belong to. The name must have its suffix,
// because a target that does not exist would go unnoticed.
func wanting(name string) (string, error) {
	full, err := unitName(name, ".target")
	if err == nil && full != name {
		err = fmt.Errorf("has no suffix that says what kind of unit it is: %q?", full)
	}
	return full, err
}

// commands sets what runs and how it reports that it is ready.
//
// `systemctl reload` has to return the program's own outcome, which sd_notify(3) cannot
// express. ExecReload= can: our command asks the verified process for a reload, waits, and
// exits with the outcome. But a notify-reload service also gets ReloadSignal=. Up to 258
// systemd sends it before ExecReload=. From 259 on it sends it afterwards, and only if no
// RELOADING=1 has arrived meanwhile. The default SIGHUP would be a second reload, whose
// outcome nobody sees. SIGCONT requests nothing: a process that is not stopped ignores it.
// systemd leaves the reloading state when ExecReload= has ended and READY=1 has followed the
// last RELOADING=1.
func commands(f *unitFile, u platform.Unit, version int) {
	kind := "notify"
	if version >= notifyReload && len(u.Reload) > 0 {
		kind = "notify-reload"
	}
	f.set("Type", kind)
	f.set("NotifyAccess", "main") // ignore a child's STOPPING=1
	if kind == "notify-reload" {
		f.set("ReloadSignal", "SIGCONT")
	}
	for _, c := range []struct {
		key, field string
		argv       []string
		optional   bool
	}{
		{"ExecStart", "command", u.Exec, false},
		{"ExecReload", "reload command", u.Reload, true},
	} {
		if c.optional && len(c.argv) == 0 {
			continue
		}
		line, err := commandLine(c.argv)
		if err != nil {
			f.Refuse(c.field, "%w", err)
			continue
		}
		f.set(c.key, line)
	}
	// Only the main process is asked to stop. Its children are finally killed with it.
	f.set("KillMode", "mixed")
}

// accounts sets the account of the service, and reports whether that is root.
func accounts(f *unitFile, u platform.Unit) (root bool) {
	if u.Scope == platform.ScopeUser {
		f.RefuseIf(u.User != "", "user", "%q: cannot be set for a user service", u.User)
		f.RefuseIf(u.Group != "", "group", "%q: cannot be set for a user service", u.Group)
		return false
	}
	f.say("User", "user", u.User, account)
	f.say("Group", "group", u.Group, account)
	return u.User == "" || u.User == "root" || u.User == "0"
}

func surroundings(f *unitFile, u platform.Unit) {
	f.say("WorkingDirectory", "working_directory", u.WorkingDirectory, linePath)
	f.RefuseIf(u.RootDirectory != "" && u.Scope == platform.ScopeUser, "root_directory", "%q: cannot be set for a user service", u.RootDirectory)
	f.say("RootDirectory", "root_directory", u.RootDirectory, linePath)
	f.CheckUmask(u)
	f.set("UMask", fmt.Sprintf("%04o", uint32(*u.Umask)))
	names := make([]string, 0, len(u.Env))
	for name := range u.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// The error must not contain the value, which may be a secret.
		line, err := assignment(name, u.Env[name])
		if err != nil {
			f.Refuse("env", "%q: %w", name, err)
			continue
		}
		f.set("Environment", line)
	}
}

// directories makes systemd create the service's own directories, and pass their paths in
// RUNTIME_DIRECTORY and similar variables.
func directories(f *unitFile, u platform.Unit) {
	if u.Scope == platform.ScopeUser {
		return // systemd before 254 puts a user's StateDirectory= into ~/.config: the program makes them itself
	}
	dir := func(key, mode string) {
		f.set(key, u.ID.String())
		f.set(key+"Mode", mode)
	}
	// 0755, because `status` reads the state file and the last-run record for any user.
	switch {
	case u.RuntimeDir == "":
		dir("RuntimeDirectory", "0755")
		// Otherwise every end of the service removes the directory. That includes a start that
		// is refused because an instance that was started by hand holds its lock there.
		f.set("RuntimeDirectoryPreserve", "yes")
	case within(u.RuntimeDir, "/run"), within(u.RuntimeDir, "/var/run"):
		f.Refuse("runtime_dir", "%q: is gone after a reboot, and the service could not start then: leave the key out, and systemd creates /run/%s",
			u.RuntimeDir, u.ID)
	}
	if u.StateDir == "" {
		dir("StateDirectory", "0755")
	}
	dir("LogsDirectory", "0750")
	dir("ConfigurationDirectory", "0755") // belongs to root even if the service has a user; an existing one stays unchanged
}

func extra(f *unitFile, field string, lines []string) {
	for _, line := range lines {
		err := checkLine(line)
		key, value, ok := strings.Cut(line, "=")
		if err == nil && (!ok || !only(key, "")) {
			err = errors.New("is not of the form Key=value")
		}
		if err != nil {
			f.Refuse(field, "%q: %w", line, err)
			continue
		}
		f.set(key, value)
	}
}
