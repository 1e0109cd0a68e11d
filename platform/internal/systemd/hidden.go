package systemd

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// hidden refuses a unit that could not find its own files: a program in /home
// with ProtectHome=, for example. Arguments count if they are absolute paths, also behind a "=".
func hidden(f *unitFile, u platform.Unit) {
	if u.Scope == platform.ScopeUser {
		return // none of these switches is in a user's unit
	}
	places := []struct {
		is     platform.Switch
		name   string
		places []string
	}{
		{u.Hardening.ProtectHome, "protect_home", []string{"/home", "/root", "/run/user"}},
		{u.Hardening.PrivateTmp, "private_tmp", []string{"/tmp", "/var/tmp"}},
	}
	check := func(field, p string) {
		for _, at := range places {
			if at.is == platform.On && slices.ContainsFunc(at.places, func(dir string) bool { return within(p, dir) }) {
				f.Refuse(field, "%q: is hidden from the service by the switch %s: move it or turn that off", p, at.name)
			}
		}
	}
	for _, argv := range [][]string{u.Exec, u.Reload} {
		for i, arg := range argv {
			if _, value, ok := strings.Cut(arg, "="); ok && i > 0 && !strings.HasPrefix(arg, "/") {
				arg = value
			}
			if i == 0 {
				check("program path", arg)
			} else {
				check("argument", arg)
			}
		}
	}
	check("working_directory", u.WorkingDirectory)
	for _, p := range writable(u) {
		check(pathKey(u, p), p)
	}
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
