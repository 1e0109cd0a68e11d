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
	const move = "move it"
	check := func(field, p, instead string) {
		for _, at := range places {
			if at.is == platform.On && slices.ContainsFunc(at.places, func(dir string) bool { return within(p, dir) }) {
				f.Refuse(field, "%q: service.hardening.%s hides it from the service: %s, or set that key to false", p, at.name, instead)
			}
		}
	}
	named := append(writable(u), u.WorkingDirectory) // by a key, and that says more than an argument
	for _, argv := range [][]string{u.Exec, u.Reload} {
		for i, arg := range argv {
			if _, value, ok := strings.Cut(arg, "="); ok && i > 0 && !strings.HasPrefix(arg, "/") {
				arg = value
			}
			switch {
			case i == 0:
				check("program path", arg, "install with --copy-to /usr/local/bin")
			case !slices.Contains(named, arg):
				check("argument", arg, move)
			}
		}
	}
	check("working_directory", u.WorkingDirectory, move)
	for _, p := range writable(u) {
		check(pathKey(u, p), p, move)
	}
}

func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
