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

// OnThisSystem reports whether the manager of that name is one of this operating
// system's, be it the one that runs this machine or not: its services have the same
// directories. One that is not known is.
func OnThisSystem(manager string) bool { return onSystem(runtime.GOOS, manager) }

func onSystem(goos, manager string) bool {
	switch manager {
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

// Answers reports whether the manager of that name can be reached here although
// another one runs the machine: a launchd that serves beside an init, as a double of
// it does, has its launchctl there. It blocks for no longer than a look at the PATH.
func Answers(manager string) bool {
	if manager != "launchd" {
		return false
	}
	_, err := exec.LookPath("launchctl")
	return err == nil
}

// probe is what detection sees of a machine.
type probe struct {
	os      string // as runtime.GOOS has it
	process string // name of process 1, as the kernel keeps it; empty: not known
	is      func(path string, kind fs.FileMode) bool
	says    func(path, word string) bool // a file has a word in it
}

// here is this machine.
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

// running names the manager that runs the machine; where that is none of ours
// the error is platform.ErrNoManager and names what it is, as far as we know it.
func (p probe) running() (string, error) {
	name, other := p.manager()
	switch {
	case name != "":
		return name, nil
	case other.fallback != "":
		return "", fmt.Errorf("%w: %s does, for which there is no support of holdfast's own: a program has it by the line cfg.Fallback = kardianos.Fallback() (package platform/kardianos)", platform.ErrNoManager, other.what)
	case other.what != "":
		return "", fmt.Errorf("%w: %s does, for which there is no support", platform.ErrNoManager, other.what)
	}
	what := p.os
	if p.process != "" {
		what += ", process 1 is " + p.process
	}
	return "", fmt.Errorf("%w (%s)", platform.ErrNoManager, what)
}

// other is an init system that we have no room for.
type other struct {
	what     string // for people
	fallback string // the manager of a platform.Fallback for it; empty: there is none
}

// manager names the manager that runs the machine, or what does in its place; both are
// empty where nobody knows.
//
// Process 1 decides, as a machine may have the files of several of them; but
// OpenRC is run by sysvinit's init, or BusyBox's.
func (p probe) manager() (string, other) {
	switch {
	case p.os == "darwin": // there is no other
		return "launchd", other{}
	case p.os == "windows": // nor here
		return "scm", other{}
	case p.dir("/run/systemd/system"): // sd_booted(3)
		return "systemd", other{}
	case p.file("/run/openrc/softlevel"): // OpenRC has booted the machine
		return "openrc", other{}
	}
	if o := p.foreign(); o.what != "" {
		return "", o
	}
	// BusyBox's init, which is called init too, has no runlevels.
	if p.process == "init" && p.dir("/etc/init.d") && p.dir("/etc/rc2.d") {
		return "sysv", other{}
	}
	return "", other{}
}

// foreign is a manager that runs the machine and that we have no room for.
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
	case p.os != "linux" && (p.file("/etc/rc.subr") || p.file("/etc/rc.d/rc.subr")): // the second on OpenBSD
		return other{what: "BSD rc.d"}
	case p.dir("/lib/svc/manifest"):
		return other{"SMF", "smf"}
	case p.os == "aix":
		return other{"the system resource controller of AIX", "src"}
	}
	return other{}
}

// busyBoxTab reports whether init is told to run rcS as BusyBox's is: that has no
// runlevels, and the table of a sysvinit, which may run a rcS, too, says which is the default.
func (p probe) busyBoxTab() bool {
	const tab = "/etc/inittab"
	return p.says(tab, "::sysinit:") && p.says(tab, "rcS") && !p.says(tab, ":initdefault:")
}
