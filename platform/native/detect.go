package native

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// OnThisSystem reports whether the manager with that name belongs to this operating system,
// even if it does not run this machine. Its services have the directories of this system.
// OnThisSystem returns true for an unknown manager.
func OnThisSystem(manager string) bool { return onSystem(runtime.GOOS, manager) }

func onSystem(goos, manager string) bool {
	switch manager {
	case "compose", "kubernetes": // what they render is for containers
		return false
	case "launchd":
		return goos == "darwin"
	case "scm":
		return goos == "windows"
	case "systemd", "sysv":
		return goos == "linux"
	case "openrc":
		return goos != "darwin" && goos != "windows"
	case "rcs", "procd", "upstart":
		return goos == "linux"
	case "freebsd":
		return goos == "freebsd"
	case "smf":
		return goos == "solaris" || goos == "illumos"
	case "src":
		return goos == "aix"
	}
	return true
}

// Answers reports whether the manager with that name can be reached here although another one
// runs the machine. This is so for a launchd that runs beside an init, such as a double of it,
// if its launchctl is in the PATH. Answers blocks only for a search of the PATH.
func Answers(manager string) bool {
	if manager != "launchd" {
		return false
	}
	_, err := exec.LookPath("launchctl")
	return err == nil
}

// A probe has what the detection sees of a machine.
type probe struct {
	os      string // the value of runtime.GOOS
	process string // name of process 1 in the kernel; empty: unknown
	is      func(path string, kind fs.FileMode) bool
	says    func(path, word string) bool // reports whether a file contains a word
}

// here returns the probe of this machine.
func here(goos string) probe {
	p := probe{os: goos, is: func(path string, kind fs.FileMode) bool {
		info, err := os.Stat(path)
		return err == nil && info.Mode().Type() == kind
	}, says: func(path, word string) bool {
		content, err := files.ReadFile(path)
		return err == nil && strings.Contains(string(content), word)
	}}
	if comm, err := os.ReadFile("/proc/1/comm"); err == nil {
		p.process = strings.TrimSpace(string(comm))
	}
	return p
}

func (p probe) dir(path string) bool  { return p.is(path, fs.ModeDir) }
func (p probe) file(path string) bool { return p.is(path, 0) }

// running returns the name of the manager that runs the machine. If holdfast has none for it,
// the error is platform.ErrNoManager and names what runs the machine, as far as that is known.
func (p probe) running() (string, error) {
	name, other := p.manager()
	switch {
	case name != "":
		return name, nil
	case other.fallback != "":
		return "", fmt.Errorf("%w: %s does, which holdfast itself does not support: a program supports it with the line cfg.Fallback = kardianos.Fallback() (package platform/kardianos)", platform.ErrNoManager, other.what)
	case other.what != "":
		return "", fmt.Errorf("%w: %s does, which holdfast does not support", platform.ErrNoManager, other.what)
	}
	what := p.os
	if p.process != "" {
		what += ", process 1 is " + p.process
	}
	return "", fmt.Errorf("%w (%s)", platform.ErrNoManager, what)
}

// An other is an init system for which there is no room.
type other struct {
	what     string // for people
	fallback string // name of the manager of a platform.Fallback for it; empty: there is none
}

// manager returns the name of the manager that runs the machine, or the other init system that
// does. Both are empty if it is unknown.
//
// Process 1 decides, because a machine may have the files of several managers. OpenRC is an
// exception: it runs under sysvinit's or BusyBox's init.
func (p probe) manager() (string, other) {
	switch {
	case p.os == "darwin": // has no other manager
		return "launchd", other{}
	case p.os == "windows": // nor has this
		return "scm", other{}
	case p.dir("/run/systemd/system"): // sd_booted(3)
		return "systemd", other{}
	case p.file("/run/openrc/softlevel"): // OpenRC has booted the machine
		return "openrc", other{}
	}
	if o := p.foreign(); o.what != "" {
		return "", o
	}
	// BusyBox's init, whose name is also init, has no runlevels.
	if p.process == "init" && p.dir("/etc/init.d") && p.dir("/etc/rc2.d") {
		return "sysv", other{}
	}
	return "", other{}
}

// foreign returns the init system that runs the machine if there is no room for it.
func (p probe) foreign() other {
	switch p.process {
	case "runit", "runit-init":
		return other{what: "runit"}
	case "s6-svscan", "s6-linux-init":
		return other{what: "s6"}
	case "dinit":
		return other{what: "dinit"}
	case "procd":
		return other{"procd (OpenWrt)", "procd"}
	}
	switch {
	case p.process == "init" && p.file("/sbin/initctl") && p.dir("/etc/init"):
		return other{"upstart", "upstart"}
	case (p.process == "init" || p.process == "busybox" || p.process == "linuxrc") && p.file("/etc/init.d/rcS") && p.busyBoxTab():
		return other{"rcS (BusyBox's init)", "rcs"}
	case p.os == "freebsd" && p.file("/etc/rc.subr"):
		return other{"BSD rc.d", "freebsd"}
	case p.os != "linux" && (p.file("/etc/rc.subr") || p.file("/etc/rc.d/rc.subr")): // the second file exists on OpenBSD
		return other{what: "BSD rc.d"}
	case p.dir("/lib/svc/manifest"):
		return other{"SMF", "smf"}
	case p.os == "aix":
		return other{"the system resource controller of AIX", "src"}
	}
	return other{}
}

// busyBoxTab reports whether inittab is one of BusyBox's init that runs rcS. BusyBox has no
// runlevels. The inittab of sysvinit, which may run an rcS, too, names the default runlevel.
func (p probe) busyBoxTab() bool {
	const tab = "/etc/inittab"
	return p.says(tab, "::sysinit:") && p.says(tab, "rcS") && !p.says(tab, ":initdefault:")
}
