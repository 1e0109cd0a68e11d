package test_test

import (
	"testing"
)

// On a machine whose process 1 is a manager that we have no room for, the
// commands that need one say its name.
func TestForeignInitIsNamed(t *testing.T) {
	needNamespaces(t)
	for process, name := range map[string]string{
		"runit": "runit", "runit-init": "runit", "s6-svscan": "s6", "s6-linux-init": "s6", "dinit": "dinit", "procd": "procd (OpenWrt)",
	} {
		t.Run(process, func(t *testing.T) {
			p := newPlace(t)
			p.attr = namespaces()
			// /run: this machine may have a manager that we know. Without the exit the
			// shell would become the command, and process 1 be that.
			p.through = []string{"/bin/sh", "-c", `mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run &&
	mkdir /run/sbin && cp /bin/sh /run/sbin/` + process + ` && exec /run/sbin/` + process + ` -c '"$0" "$@"; exit $?' "$0" "$@"`}
			for _, command := range []string{"install", "start", "restart"} {
				p.launch(t, "service", plan{}, command).end(t).want(t, 1, name+" does, for which there is no support", "--manager")
			}
		})
	}
}
