package sysv

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// header returns the comment that says when the service starts and stops. Services always
// start after the file systems, and after network, log and clock if these exist.
func header(s *initd.Script) string {
	hard := []string{"$remote_fs"}
	soft := []string{"$syslog", "$network", "$named", "$time"}
	add := func(list *[]string, field string, names []string) {
		for _, name := range names {
			word, err := dialect().Dependency(name)
			switch {
			case err != nil:
				s.Refuse(field, "%q: %w", name, err)
			case !slices.Contains(*list, word):
				*list = append(*list, word)
			}
		}
	}
	if s.Unit.NeedsNetwork {
		hard = append(hard, "$network")
	}
	add(&hard, "requires", s.Unit.Requires)
	add(&soft, "after", s.Unit.After)
	add(&soft, "wants", s.Unit.Wants) // insserv can only order services; enabled ones are started
	soft = slices.DeleteFunc(soft, func(word string) bool { return slices.Contains(hard, word) })

	var b strings.Builder
	line := func(key string, values ...string) {
		b.WriteString("# " + key + ":" + strings.Repeat(" ", 18-len(key)) + strings.Join(values, " ") + "\n")
	}
	description := s.Description()
	b.WriteString("### BEGIN INIT INFO\n")
	line("Provides", s.Unit.ID.String())
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
