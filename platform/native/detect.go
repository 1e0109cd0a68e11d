package native

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
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
}

// here is this machine.
func here(goos string) probe {
	p := probe{os: goos, is: func(path string, kind fs.FileMode) bool {
		info, err := os.Stat(path)
		return err == nil && info.Mode().Type() == kind
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
//
// Process 1 decides, as a machine may have the files of several of them; but
// OpenRC is run by sysvinit's init, or BusyBox's.
func (p probe) running() (string, error) {
	switch {
	case p.os == "darwin": // there is no other
		return "launchd", nil
	case p.os == "windows": // nor here
		return "scm", nil
	case p.dir("/run/systemd/system"): // sd_booted(3)
		return "systemd", nil
	case p.file("/run/openrc/softlevel"): // OpenRC has booted the machine
		return "openrc", nil
	}
	if name := p.foreign(); name != "" {
		return "", fmt.Errorf("%w: %s does, for which there is no support: name another by --manager", platform.ErrNoManager, name)
	}
	// BusyBox's init, which is called init too, has no runlevels.
	if p.process == "init" && p.dir("/etc/init.d") && p.dir("/etc/rc2.d") {
		return "sysv", nil
	}
	what := p.os
	if p.process != "" {
		what += ", process 1 is " + p.process
	}
	return "", fmt.Errorf("%w (%s): name one by --manager", platform.ErrNoManager, what)
}

// foreign names a manager that runs the machine and that we have no room for.
func (p probe) foreign() string {
	switch p.process {
	case "runit", "runit-init":
		return "runit"
	case "s6-svscan", "s6-linux-init":
		return "s6"
	case "dinit":
		return "dinit"
	case "procd":
		return "procd (OpenWrt)"
	}
	switch {
	case p.process == "init" && p.file("/sbin/initctl") && p.dir("/etc/init"):
		return "upstart"
	case p.os != "linux" && (p.file("/etc/rc.subr") || p.file("/etc/rc.d/rc.subr")): // the second on OpenBSD
		return "BSD rc.d"
	case p.dir("/lib/svc/manifest"):
		return "SMF"
	}
	return ""
}
