package systemd

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// hidden refuses a unit that could not access its own files, for example a program in /home
// with ProtectHome=. It also checks arguments that are absolute paths, or have one after a
// "=".
func hidden(f *unitFile, u platform.Unit) {
	if u.Scope == platform.ScopeUser {
		return // a user's unit has none of these switches
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
	named := append(writable(u), u.WorkingDirectory) // these have a key, which an error can name
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
