package initd

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// A Facility is something that services depend on, and that each machine provides in its own
// way.
type Facility int

// The facilities are those of the LSB ("Facility Names").
const (
	Network Facility = iota + 1
	RemoteFS
	LocalFS
	NameService
	Time
	Syslog
)

// facility recognises the plain names, and the equivalent systemd units, which a portable
// configuration may contain. It returns 0 for the name of a service.
func facility(name string) Facility {
	switch name {
	case "network", "network.target", "network-online.target":
		return Network
	case "remote-fs", "remote-fs.target":
		return RemoteFS
	case "local-fs", "local-fs.target":
		return LocalFS
	case "nss-lookup.target":
		return NameService
	case "time-sync.target":
		return Time
	case "syslog", "syslog.service", "syslog.socket", "syslog.target":
		return Syslog
	}
	return 0
}

// Dependency returns the manager's word for a name in Unit.After or Unit.Requires.
func (d Dialect) Dependency(name string) (string, error) {
	if f := facility(name); f != 0 {
		return d.Facilities[f], nil
	}
	name = strings.TrimSuffix(name, ".service")
	if slices.Contains([]string{".target", ".socket", ".mount", ".path", ".timer", ".device", ".slice"}, path.Ext(name)) {
		return "", errors.New("is a unit of systemd: name a service")
	}
	if service, instance, ok := strings.Cut(name, "@"); ok {
		return name, errors.Join(platform.CheckName(service), platform.CheckName(instance))
	}
	return name, platform.CheckName(name)
}
