package container

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// longestName is what a StatefulSet may be called: the names of its pods, and of their
// revisions, are longer, and become labels of at most 63 characters.
const longestName = 52

// check refuses what neither manager can honour.
func (d *definition) check() {
	d.Add(room.CheckNames(d.ID))
	if len(d.Exec) == 0 {
		d.Refuse("exec", "is empty")
		return
	}
	label := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	if name := d.name(); !label.MatchString(name) || len(name) > longestName {
		d.Refuse("name", "%q: use small letters, digits and '-', %d at most", name, longestName)
	}
	d.RefuseIf(d.Scope == platform.ScopeUser, "scope", "there are no user services in containers: use --scope system")
	d.checkWords("exec", d.Exec)
	d.checkArguments()
	d.checkEnv()
	d.checkLine("description", d.Description)
	d.checkLine("container.image", d.image())
	d.RefuseIf(strings.ContainsFunc(d.image(), func(r rune) bool { return r <= ' ' }), "container.image", "%q: has a space", d.image())
	d.checkPaths()
	d.checkAccounts()
	d.checkSockets()
	d.checkRestart()
	for _, s := range room.Ordered(d.Unit) {
		d.Refuse(s.Key, "%q: containers are not started in order: let the program try again until that service answers", s.Name)
	}
	d.RefuseIf(d.RootDirectory != "", "root_directory", "%q: the root directory of a container is that of its image", d.RootDirectory)
	d.RefuseIf(*d.Umask != *platform.Defaults().Umask, "umask", "%#o: a container has the umask of its image", uint32(*d.Umask))
	d.RefuseIf(d.Limits.Nice != 0, "limits.nice", "%d: a container has no priority", d.Limits.Nice)
	d.RefuseIf(d.Activation != "", "activation", "%q: no manager listens for a container that does not run", d.Activation)
	d.CheckUmask(d.Unit)
}

// checkWords refuses words that no definition can contain.
func (d *definition) checkWords(key string, words []string) {
	for _, w := range words {
		if err := checkText(w); err != nil {
			d.Refuse(key, "%q: %w", w, err)
		}
	}
}

func (d *definition) checkLine(key, text string) { d.checkWords(key, []string{text}) }

func checkText(s string) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("is not UTF-8")
	case strings.ContainsRune(s, 0):
		return fmt.Errorf("contains a NUL")
	}
	return nil
}

// checkArguments refuses arguments that may be secrets. It does not show them.
func (d *definition) checkArguments() {
	for i, arg := range d.Exec {
		d.RefuseIf(passwordInURL(arg), "args", "argument %d: has a URL with a password, which everybody would see: let the program read it from a file, or from env", i)
		name, _, joined := strings.Cut(arg, "=")
		if strings.HasPrefix(name, "-") && platform.SecretName(name) && !pathName(name) && (joined || i+1 < len(d.Exec)) {
			d.Refuse("args", "%q: may be a secret, which everybody would see: let the program read it from a file, or from env", name)
		}
	}
}

func (d *definition) checkEnv() {
	word := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	for _, name := range sortedNames(d.Env) {
		switch err := checkText(d.Env[name]); {
		case !word.MatchString(name):
			d.Refuse("env", "%q: is not the name of a variable", name)
		case err != nil:
			d.Refuse("env", "%q: %w", name, err) // without the value, which may be a secret
		}
	}
}

// checkPaths refuses directories that cannot be volumes, and places to which the service could
// not write.
func (d *definition) checkPaths() {
	for _, p := range []struct{ key, path string }{
		{"exec", d.Exec[0]}, {"runtime_dir", d.RuntimeDir}, {"state_dir", d.StateDir}, {"working_directory", d.WorkingDirectory}, {"config", d.ConfigFile},
	} {
		switch {
		case p.path == "":
		case !path.IsAbs(p.path) || path.Clean(p.path) != p.path:
			d.Refuse(p.key, "%q: is not an absolute path without . and ..", p.path)
		case checkText(p.path) != nil:
			d.Refuse(p.key, "%q: %w", p.path, checkText(p.path))
		}
	}
	for _, p := range []struct{ key, path string }{{"runtime_dir", d.RuntimeDir}, {"state_dir", d.StateDir}, {"config", d.configDir() + "/x"}} {
		above := path.Dir(p.path)
		d.RefuseIf(above == "/" || strings.Contains(above, ":"), p.key, "%q: the directory above it is a volume, which can be neither / nor have a ':' in its path", p.path)
		inside := d.Exec[0] == above || strings.HasPrefix(d.Exec[0], above+"/")
		d.RefuseIf(inside, p.key, "%q: the directory above it is a volume, which would hide the program %s", p.path, d.Exec[0])
	}
	if d.Hardening.ProtectSystem != platform.On {
		return
	}
	for _, p := range d.Hardening.ReadWritePaths {
		d.RefuseIf(!d.writable(p), "hardening.read_write_paths", "%q: only the state directory, %s, outlives a container: keep it there", p, d.StateDir)
	}
}

// writable reports whether a path is in a volume that the service may write to.
func (d *definition) writable(p string) bool {
	return slices.ContainsFunc(d.volumes(), func(v volume) bool {
		return v.name != volumeConfig && (p == v.at || strings.HasPrefix(p, v.at+"/"))
	})
}

// checkAccounts refuses names, because only the image knows their numbers.
func (d *definition) checkAccounts() {
	for _, a := range []struct{ key, name string }{{"user", d.User}, {"group", d.Group}} {
		if _, ok := number(a.name); a.name != "" && !ok {
			d.Refuse(a.key, "%q: use the number that it has in the image: only the image knows the name", a.name)
		}
	}
	d.RefuseIf(d.Group != "" && d.User == "", "group", "%q: needs a user, too", d.Group)
	for _, name := range d.Hardening.SupplementaryGroups {
		_, ok := number(name)
		d.RefuseIf(!ok, "hardening.supplementary_groups", "%q: use the number that it has in the image: only the image knows the name", name)
	}
	uid, known := d.uid()
	d.RefuseIf(known && uid != 0 && len(d.Hardening.Capabilities) > 0, "hardening.capabilities", "%q: in a container only user 0 has capabilities", d.Hardening.Capabilities)
	word := regexp.MustCompile(`^[A-Z0-9_]+$`)
	for _, c := range d.capabilities() {
		d.RefuseIf(!word.MatchString(c), "hardening.capabilities", "%q: is not a capability", c)
	}
}

func (d *definition) checkSockets() {
	platform.CheckSockets(d.Sockets, func(key string, err error) { d.Refuse("socket", "%s: %w", key, err) })
	for _, s := range d.Sockets {
		a, err := s.Address()
		d.RefuseIf(err == nil && a.Host.IsValid() && !a.Host.IsLoopback() && !a.Host.IsUnspecified(), "socket",
			"%q listens at %s, which no container has: leave the host out", s.Name, a)
	}
	if _, err := d.probePort(); err != nil {
		d.Refuse("metrics.listen", "%w", err)
	}
}

// checkRestart refuses policies after which a container would run when it should not.
func (d *definition) checkRestart() {
	d.CheckRestart(d.Restart)
	never := d.Restart.Policy == platform.RestartNever && d.dialect.name == composeName
	d.RefuseIf(d.Restart.Policy == platform.RestartOnSuccess || d.Restart.Policy == platform.RestartOnAbnormal ||
		d.Restart.Policy == platform.RestartNever && !never, "restart.policy", "%q: %s has no such policy", d.Restart.Policy, d.dialect.name)
}

// probePort returns the port of the listener that answers probes, if others can reach it.
func (d *definition) probePort() (int, error) {
	if d.Probes == "" {
		return 0, nil
	}
	host, digits, err := net.SplitHostPort(d.Probes)
	if err != nil {
		return 0, err
	}
	if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
		return 0, fmt.Errorf("%q has an address that no container has: leave the host out", d.Probes)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	return int(n), err
}
