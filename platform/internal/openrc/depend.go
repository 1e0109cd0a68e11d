package openrc

import (
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// depend returns the body of depend(). Network and log come first if they are in the same
// runlevel.
func depend(s *initd.Script) string {
	lines := []string{"\tuse net logger"}
	if s.Unit.NeedsNetwork {
		lines = []string{"\tneed net", "\tuse logger"}
	}
	for _, list := range []struct {
		word, field string
		names       []string
	}{{"after", "after", s.Unit.After}, {"need", "requires", s.Unit.Requires}, {"want", "wants", s.Unit.Wants}} {
		for _, name := range list.names {
			dependency, err := dialect().Dependency(name)
			if err != nil {
				s.Refuse(list.field, "%q: %w", name, err)
				continue
			}
			lines = append(lines, "\t"+list.word+" "+dependency)
			if list.word == "want" {
				lines = append(lines, "\tafter "+dependency) // OpenRC's want starts it, but does not wait for it
			}
		}
	}
	return strings.Join(lines, "\n")
}
