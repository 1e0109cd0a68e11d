package native_test

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

func TestRunningManager(t *testing.T) {
	const dir = fs.ModeDir
	sysv := map[string]fs.FileMode{"/etc/init.d": dir, "/etc/rc2.d": dir}
	with := func(more map[string]fs.FileMode) map[string]fs.FileMode {
		all := map[string]fs.FileMode{}
		for _, m := range []map[string]fs.FileMode{sysv, more} {
			maps.Copy(all, m)
		}
		return all
	}
	for name, tt := range map[string]struct {
		os, process string
		files       map[string]fs.FileMode
		want        string // our manager, or
		named       string // text in the error
		fallback    string // name of a possible fallback
	}{
		"systemd":                   {"linux", "systemd", with(map[string]fs.FileMode{"/run/systemd/system": dir}), "systemd", "", ""},
		"systemd, called init":      {"linux", "init", with(map[string]fs.FileMode{"/run/systemd/system": dir}), "systemd", "", ""},
		"a file is no sign":         {"linux", "bash", map[string]fs.FileMode{"/run/systemd/system": 0}, "", "process 1 is bash", ""},
		"sysvinit":                  {"linux", "init", sysv, "sysv", "", ""},
		"OpenRC on sysvinit":        {"linux", "init", with(map[string]fs.FileMode{"/run/openrc/softlevel": 0}), "openrc", "", ""},
		"OpenRC on BusyBox":         {"linux", "init", map[string]fs.FileMode{"/etc/init.d": dir, "/run/openrc/softlevel": 0}, "openrc", "", ""},
		"OpenRC's own init":         {"linux", "openrc-init", map[string]fs.FileMode{"/run/openrc/softlevel": 0}, "openrc", "", ""},
		"installed, not running it": {"linux", "tini", with(map[string]fs.FileMode{"/etc/runlevels": dir}), "", "process 1 is tini", ""},
		"BusyBox":                   {"linux", "init", map[string]fs.FileMode{"/etc/init.d": dir}, "", "process 1 is init", ""},
		"BusyBox's rcS":             {"linux", "init", map[string]fs.FileMode{"/etc/init.d": dir, "/etc/init.d/rcS": 0}, "", "rcS", "rcs"},
		"rcS of a sysvinit":         {"linux", "init", with(map[string]fs.FileMode{"/etc/init.d/rcS": 0}), "sysv", "", ""},
		"AIX":                       {"aix", "", nil, "", "system resource controller", "src"},
		"runit":                     {"linux", "runit", sysv, "", "runit", ""},
		"runit-init":                {"linux", "runit-init", nil, "", "runit", ""},
		"s6":                        {"linux", "s6-svscan", nil, "", "s6", ""},
		"dinit":                     {"linux", "dinit", nil, "", "dinit", ""},
		"upstart":                   {"linux", "init", with(map[string]fs.FileMode{"/sbin/initctl": 0, "/etc/init": dir}), "", "upstart", "upstart"},
		"procd":                     {"linux", "procd", map[string]fs.FileMode{"/etc/init.d": dir}, "", "procd", "procd"},
		"FreeBSD":                   {"freebsd", "", map[string]fs.FileMode{"/etc/rc.subr": 0}, "", "BSD rc.d", "freebsd"},
		"OpenBSD":                   {"openbsd", "", map[string]fs.FileMode{"/etc/rc.d/rc.subr": 0}, "", "BSD rc.d", ""},
		"illumos":                   {"illumos", "", map[string]fs.FileMode{"/lib/svc/manifest": dir}, "", "SMF", "smf"},
		"macOS":                     {"darwin", "launchd", nil, "launchd", "", ""},
		"Windows":                   {"windows", "", nil, "scm", "", ""},
		"a container":               {"linux", "sleep", nil, "", "linux, process 1 is sleep", ""},
		"no /proc":                  {"plan9", "", nil, "", "plan9", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inittab := "::sysinit:/etc/init.d/rcS\n::askfirst:-/bin/sh\n" // of BusyBox
			if name == "rcS of a sysvinit" {
				inittab = "id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\n"
			}
			got, fallback, err := native.Running(tt.os, tt.process, tt.files, inittab)
			if fallback != tt.fallback {
				t.Errorf("the fallback is %q, and not %q", fallback, tt.fallback)
			}
			if says := err != nil && strings.Contains(err.Error(), "cfg.Fallback = kardianos.Fallback()"); says != (tt.fallback != "") {
				t.Errorf("it says how to have a fallback: %v: %v", says, err)
			}
			switch {
			case got != tt.want:
				t.Errorf("got %q, %v", got, err)
			case tt.want != "" && err != nil:
				t.Error(err)
			case tt.want == "" && (!errors.Is(err, platform.ErrNoManager) || !strings.Contains(err.Error(), tt.named)):
				t.Errorf("got %v", err)
			}
		})
	}
}

// Which managers share the directories of an operating system.
func TestManagersOfASystem(t *testing.T) {
	want := map[string][]string{
		"linux":   {"systemd", "sysv", "openrc", "rcs", "procd", "upstart", "other"},
		"darwin":  {"launchd", "other"},
		"windows": {"scm", "other"},
		"freebsd": {"openrc", "freebsd", "other"},
		"illumos": {"openrc", "smf", "other"},
		"aix":     {"openrc", "src", "other"},
	}
	for goos, managers := range want {
		for _, m := range append(native.Managers(), "rcs", "procd", "upstart", "freebsd", "smf", "src", "other") {
			if got := native.OnSystem(goos, m); got != slices.Contains(managers, m) {
				t.Errorf("%s on %s: %v", m, goos, got)
			}
		}
	}
	if !native.OnThisSystem("other") {
		t.Error("one that is not known is none of this system")
	}
}
