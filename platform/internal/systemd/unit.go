package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// notifyReload is the first systemd that knows Type=notify-reload. An older one
// drops the whole line with a warning, and would then wait for no READY=1.
const notifyReload = 253

// mark begins every unit file that is ours to replace and to remove.
const mark = "# Made by holdfast"

const defaultUmask fs.FileMode = 0o027

// Render gives the text of the unit file for u, as a systemd of that version
// reads it; 0 is any version. It touches nothing and is the same on every
// operating system. What cannot be said is an error that wraps
// platform.ErrBadUnit and names every field concerned.
func Render(u platform.Unit, version int) ([]byte, error) {
	var s sheet
	checkID(&s, u.ID)
	s.text.WriteString(mark + ": the next install or uninstall replaces this file. For changes of your own: systemctl edit " + u.ID.String() + "\n")

	s.section("Unit")
	s.say("Description", "description", describe(u), text)
	units := func(name string) (string, error) { return unitName(name, ".service") }
	s.list("After", "after", u.After, units)
	s.list("Requires", "requires", u.Requires, units)
	startLimit(&s, u.Restart)

	s.section("Service")
	commands(&s, u, version)
	restart(&s, u.Restart)
	timeouts(&s, u)
	root := accounts(&s, u)
	surroundings(&s, u)
	limits(&s, u, version)
	directories(&s, u)
	harden(&s, u, root)
	hidden(&s, u)
	extra(&s, u.Systemd.Extra)

	s.section("Install")
	target := u.Systemd.WantedBy
	if target == "" && u.Scope == platform.ScopeUser {
		target = "default.target" // a user's systemd has no multi-user.target
	} else if target == "" {
		target = "multi-user.target"
	}
	s.say("WantedBy", "systemd.wanted_by", target, func(name string) (string, error) { return unitName(name, ".target") })

	if len(s.errs) > 0 {
		return nil, fmt.Errorf("systemd unit %q: %w", u.ID.String(), errors.Join(s.errs...))
	}
	return []byte(s.text.String()), nil
}

func checkID(s *sheet, id platform.ID) {
	if err := checkName(id); err != nil {
		s.errs = append(s.errs, err)
	}
}

func describe(u platform.Unit) string {
	for _, d := range []string{u.Description, u.DisplayName} {
		if d != "" {
			return d
		}
	}
	return u.ID.String()
}

// commands says what runs and how it tells that it is ready.
//
// On notify-reload: `systemctl reload` has to return the program's own verdict,
// which sd_notify(3) has no word for. ExecReload= has: our command asks the
// verified process for a reload, waits, and exits with the outcome. But a
// notify-reload service gets ReloadSignal= as well: before ExecReload= up to 258;
// after it from 259 on, and only if no RELOADING=1 came meanwhile. With the
// default SIGHUP that would be a second reload, whose outcome nobody sees.
// SIGCONT asks for nothing: a process that is not stopped ignores it. systemd
// leaves the reloading state when ExecReload= has ended and READY=1 followed
// the last RELOADING=1.
func commands(s *sheet, u platform.Unit, version int) {
	kind := "notify"
	if version >= notifyReload && len(u.Reload) > 0 {
		kind = "notify-reload"
	}
	s.set("Type", kind)
	s.set("NotifyAccess", "main") // a child's STOPPING=1 is not ours
	if kind == "notify-reload" {
		s.set("ReloadSignal", "SIGCONT")
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
			s.refuse(c.field, "%w", err)
			continue
		}
		s.set(c.key, line)
	}
	// The main process is asked, its children are killed with it in the end.
	s.set("KillMode", "mixed")
}

// accounts says who the service is, and tells whether that is root.
func accounts(s *sheet, u platform.Unit) (root bool) {
	if u.Scope == platform.ScopeUser {
		if u.User != "" || u.Group != "" {
			s.refuse("user or group", "cannot be chosen for a user's service")
		}
		return false
	}
	s.say("User", "user", u.User, account)
	s.say("Group", "group", u.Group, account)
	return u.User == "" || u.User == "root" || u.User == "0"
}

func surroundings(s *sheet, u platform.Unit) {
	s.say("WorkingDirectory", "working_directory", u.WorkingDirectory, linePath)
	mask := defaultUmask
	if u.Umask != nil {
		mask = *u.Umask
	}
	if mask&^0o777 != 0 {
		s.refuse("umask", "%#o: is more than permissions", uint32(mask))
	}
	s.set("UMask", fmt.Sprintf("%04o", uint32(mask)))
	names := make([]string, 0, len(u.Env))
	for name := range u.Env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// Its value may be a secret: it is not repeated in an error.
		line, err := assignment(name, u.Env[name])
		if err != nil {
			s.refuse("env", "%q: %w", name, err)
			continue
		}
		s.set("Environment", line)
	}
}

// directories has systemd make the service's own directories, and tell it in
// RUNTIME_DIRECTORY and so on where they are.
func directories(s *sheet, u platform.Unit) {
	if u.Scope == platform.ScopeUser {
		return // systemd before 254 puts a user's StateDirectory= into ~/.config: the program makes them itself
	}
	dir := func(key, mode string) {
		s.set(key, u.ID.String())
		s.set(key+"Mode", mode)
	}
	// 0755: `status` of any user reads the state file and the last-run record.
	switch {
	case u.RuntimeDir == "":
		dir("RuntimeDirectory", "0755")
		// Else every end of the service takes the directory away, be it of a start
		// that was refused since an instance started by hand holds its lock there.
		s.set("RuntimeDirectoryPreserve", "yes")
	case within(u.RuntimeDir, "/run"), within(u.RuntimeDir, "/var/run"):
		s.refuse("runtime_dir", "%q: is gone after a reboot, and then the service could not start: without it systemd makes /run/%s",
			u.RuntimeDir, u.ID)
	}
	if u.StateDir == "" {
		dir("StateDirectory", "0755")
	}
	dir("LogsDirectory", "0750")
}

func extra(s *sheet, lines []string) {
	for _, line := range lines {
		err := checkLine(line)
		key, value, ok := strings.Cut(line, "=")
		if err == nil && (!ok || !only(key, "")) {
			err = errors.New("is not of the form Key=value")
		}
		if err != nil {
			s.refuse("systemd.extra", "%q: %w", line, err)
			continue
		}
		s.set(key, value)
	}
}
