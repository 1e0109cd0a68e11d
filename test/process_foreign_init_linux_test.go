package test_test

import (
	"testing"
)

// Process 1 is a manager that holdfast does not support. The commands that need a manager
// name it.
func TestForeignInitIsNamed(t *testing.T) {
	needNamespaces(t)
	for process, name := range map[string]string{
		"runit": "runit", "runit-init": "runit", "s6-svscan": "s6", "s6-linux-init": "s6", "dinit": "dinit", "procd": "procd (OpenWrt)",
	} {
		t.Run(process, func(t *testing.T) {
			p := newPlace(t)
			p.attr = namespaces()
			// /run is replaced because this machine may have a manager that we know. Without
			// the exit the shell would execute the command in its own process, which would
			// then be process 1.
			p.through = []string{"/bin/sh", "-c", `mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run &&
	mkdir /run/sbin && cp /bin/sh /run/sbin/` + process + ` && exec /run/sbin/` + process + ` -c '"$0" "$@"; exit $?' "$0" "$@"`}
			for _, command := range []string{"install", "start", "restart"} {
				p.launch(t, "service", plan{}, command).end(t).want(t, 1, name+" does, which holdfast", "--manager")
			}
		})
	}
}
