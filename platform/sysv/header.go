package sysv

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/shell"
)

// facilities are the LSB's names ("Facility Names") for what services come after.
// Units of systemd that mean the same may be written in a portable configuration.
func facility(name string) (string, error) {
	switch name {
	case "network", "network.target", "network-online.target":
		return "$network", nil
	case "remote-fs", "remote-fs.target":
		return "$remote_fs", nil
	case "local-fs", "local-fs.target":
		return "$local_fs", nil
	case "nss-lookup.target":
		return "$named", nil
	case "time-sync.target":
		return "$time", nil
	case "syslog", "syslog.service", "syslog.socket", "syslog.target":
		return "$syslog", nil
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

// header is the comment that tells when the service starts and stops. Services
// go after file systems always, and after network, log and clock where there
// are such.
func (r *renderer) header() string {
	hard := []string{"$remote_fs"}
	soft := []string{"$syslog", "$network", "$named", "$time"}
	add := func(list *[]string, field string, names []string) {
		for _, name := range names {
			f, err := facility(name)
			switch {
			case err != nil:
				r.refuse(field, "%q: %w", name, err)
			case !slices.Contains(*list, f):
				*list = append(*list, f)
			}
		}
	}
	add(&hard, "requires", r.u.Requires)
	add(&soft, "after", r.u.After)
	soft = slices.DeleteFunc(soft, func(f string) bool { return slices.Contains(hard, f) })

	description := r.u.Description
	for _, d := range []string{r.u.DisplayName, r.u.ID.String()} {
		if description == "" {
			description = d
		}
	}
	if err := shell.CheckLine(description); err != nil {
		r.refuse("description", "%q: %w", description, err)
	}
	var b strings.Builder
	line := func(key string, values ...string) {
		b.WriteString("# " + key + ":" + strings.Repeat(" ", 18-len(key)) + strings.Join(values, " ") + "\n")
	}
	b.WriteString("### BEGIN INIT INFO\n")
	line("Provides", r.u.ID.String())
	line("Required-Start", hard...)
	line("Required-Stop", hard...)
	line("Should-Start", soft...)
	line("Should-Stop", soft...)
	line("Default-Start", "2 3 4 5")
	line("Default-Stop", "0 1 6")
	line("Short-Description", description)
	line("Description", description)
	b.WriteString("### END INIT INFO")
	return b.String()
}
