package openrc

import (
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// depend is the body of depend(). Network and log come first where they are in
// the same runlevel.
func depend(d *initd.Draft) string {
	lines := []string{"\tuse net logger"}
	for _, list := range []struct {
		word, field string
		names       []string
	}{{"after", "after", d.Unit.After}, {"need", "requires", d.Unit.Requires}} {
		for _, name := range list.names {
			dependency, err := dialect().Dependency(name)
			if err != nil {
				d.Refuse(list.field, "%q: %w", name, err)
				continue
			}
			lines = append(lines, "\t"+list.word+" "+dependency)
		}
	}
	return strings.Join(lines, "\n")
}
