package container

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A definition is one under construction, with the refused settings. It must be used by one
// goroutine at a time.
type definition struct {
	platform.Unit // with its defaults
	room.Refusals
	dialect dialect
}

// define begins the definition of u, and refuses what no container can honour.
func (m *Manager) define(u platform.Unit) *definition {
	d := &definition{Unit: u.WithDefaults(), dialect: m.dialect}
	d.RuntimeDir = cmp.Or(u.RuntimeDir, "/run/"+u.ID.String())
	d.StateDir = cmp.Or(u.StateDir, m.StateDir(u.ID))
	d.check()
	return d
}

// name returns the name of everything that is made for the service. An instance is set apart
// by two hyphens, because neither manager accepts an @.
func (d *definition) name() string {
	if d.Instance == "" {
		return d.ID.Name
	}
	return d.ID.Name + "--" + d.Instance
}

func (d *definition) image() string { return cmp.Or(d.Container.Image, d.ID.Name) }

// secret returns the name of the Secret with the variables whose values may be secret.
func (d *definition) secret() string { return d.name() + "-env" }

// secretNames returns the variables whose values are not rendered.
func (d *definition) secretNames() []string {
	return slices.DeleteFunc(sortedNames(d.Env), func(name string) bool { return !secretVariable(name, d.Env[name]) })
}

// secretVariable reports whether the value may be a secret: by the name, unless that says that
// the value is a path, or as a URL with a password.
func secretVariable(name, value string) bool {
	return platform.SecretName(name) && !pathName(name) || passwordInURL(value)
}

// passwordInURL reports whether text has a URL with a password.
func passwordInURL(text string) bool {
	_, rest, isURL := strings.Cut(text, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user, _, hasUser := strings.Cut(authority, "@")
	return isURL && hasUser && strings.Contains(user, ":")
}

func pathName(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "file") || strings.HasSuffix(name, "path") || strings.HasSuffix(name, "dir")
}

// A volume is what is mounted into the container.
type volume struct{ name, at string }

// Names of volumes.
const (
	volumeRun    = "run"
	volumeTmp    = "tmp"
	volumeState  = "state"
	volumeConfig = "config"
)

// volumes returns the volumes, each at a directory of its own.
func (d *definition) volumes() []volume {
	all := []volume{{volumeState, path.Dir(d.StateDir)}}
	for _, v := range []volume{{volumeRun, path.Dir(d.RuntimeDir)}, {volumeTmp, "/tmp"}, {volumeConfig, d.configDir()}} {
		if !slices.ContainsFunc(all, func(other volume) bool { return other.at == v.at }) {
			all = append(all, v)
		}
	}
	return all
}

// configFile returns the path of the configuration file.
func (d *definition) configFile() string {
	return cmp.Or(d.ConfigFile, path.Join("/etc", d.ID.String(), d.ID.String()+".toml"))
}

func (d *definition) configDir() string { return path.Dir(d.configFile()) }

// configKey returns the name of the configuration file, and its key in a ConfigMap, which
// differs if the name has an @.
func (d *definition) configKey() (key, file string) {
	file = path.Base(d.configFile())
	return regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(file, "-"), file
}

// A port is one at which the service listens for others.
type port struct {
	name, network string
	number        int
}

// ports returns the ports that others can reach.
func (d *definition) ports() []port {
	var all []port
	for _, s := range d.Sockets {
		a, err := s.Address()
		if err == nil && a.Network != "unix" && a.Port != 0 && !a.Host.IsLoopback() {
			all = append(all, port{s.Name, a.Network, int(a.Port)})
		}
	}
	return all
}

// uid returns the user as a number.
func (d *definition) uid() (int, bool) { return number(d.User) }

func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}

// stopSeconds returns how long the container has for its stop.
func (d *definition) stopSeconds() int { return seconds(d.StopTimeout + platform.StopMargin) }

// seconds returns d in seconds, rounded up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// quantity returns a size as Kubernetes writes it: 512Mi.
func quantity(s platform.Size) string {
	for _, unit := range []struct {
		bits uint
		name string
	}{{40, "Ti"}, {30, "Gi"}, {20, "Mi"}, {10, "Ki"}} {
		if whole := s >> unit.bits; whole<<unit.bits == s && whole > 0 {
			return fmt.Sprintf("%d%s", whole, unit.name)
		}
	}
	return strconv.FormatUint(uint64(s), 10)
}

// defaultStorage is the size of the volume for the state of a service.
const defaultStorage platform.Size = 1 << 30

// capabilities returns the capabilities to add, without their prefix.
func (d *definition) capabilities() []string {
	var all []string
	for _, c := range d.Hardening.Capabilities {
		all = append(all, strings.TrimPrefix(strings.ToUpper(c), "CAP_"))
	}
	return all
}

// dollars doubles each dollar sign, in which both managers see the beginning of a variable.
func dollars(s string) string { return strings.ReplaceAll(s, "$", "$$") }

func allDollars(words []string) []string {
	doubled := make([]string, len(words))
	for i, w := range words {
		doubled[i] = dollars(w)
	}
	return doubled
}
