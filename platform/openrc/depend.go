package openrc

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
)

// virtual tells what of OpenRC's provides a thing that every machine has in its
// own way; units of systemd that mean it may be written in a portable configuration.
func virtual(name string) string {
	switch name {
	case "network", "network.target", "network-online.target":
		return "net"
	case "remote-fs", "remote-fs.target":
		return "netmount"
	case "local-fs", "local-fs.target":
		return "localmount"
	case "nss-lookup.target":
		return "dns"
	case "time-sync.target":
		return "ntp-client"
	case "syslog", "syslog.service", "syslog.socket", "syslog.target":
		return "logger"
	}
	return ""
}

// dependency is the name of a service in depend().
func dependency(name string) (string, error) {
	if v := virtual(name); v != "" {
		return v, nil
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

// depend is the body of depend(). Network and log come first where they are in
// the same runlevel.
func (r *renderer) depend() string {
	lines := []string{"\tuse net logger"}
	for _, d := range []struct {
		word, field string
		names       []string
	}{{"after", "after", r.u.After}, {"need", "requires", r.u.Requires}} {
		for _, name := range d.names {
			dep, err := dependency(name)
			if err != nil {
				r.refuse(d.field, "%q: %w", name, err)
				continue
			}
			lines = append(lines, "\t"+d.word+" "+dep)
		}
	}
	return strings.Join(lines, "\n")
}
