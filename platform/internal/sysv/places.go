package sysv

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/initd"
)

// places are the links of a service. Within a runlevel, the scripts are called in the order of
// these names: first all that stop something, then all that start something.
type places []string // paths of links

// in returns the name of the link of kind S or K in a runlevel, or "".
func (p places) in(level rune, kind string) string {
	for _, link := range p {
		if base := path.Base(link); path.Dir(link) == fmt.Sprintf("/etc/rc%c.d", level) && strings.HasPrefix(base, kind) {
			return base
		}
	}
	return ""
}

// The runlevels in which the machine works, and those that end it.
const (
	working = "2345"
	ending  = "06"
)

// examinePlaces reports what is wrong with the links of a service. It skips a service without
// links, and one with an administrator's override for insserv, which has its own order.
func (m *Manager) examinePlaces(ctx context.Context, id platform.ID, e *platform.Examination) {
	links := places(m.found(ctx, id.String()))
	script, err := m.machine.ReadFile(initd.Path(id))
	if len(links) == 0 || err != nil || m.machine.Exists("/etc/insserv/overrides/"+id.String()) {
		return
	}
	if level, ok := m.bootsTo(); ok && enabled(links) && links.in(level, "S") == "" {
		e.NotAtBoot = fmt.Sprintf("the machine boots to runlevel %c, and /etc/rc%c.d has no link that starts it", level, level)
	}
	var never []string
	for _, level := range ending {
		if dir := fmt.Sprintf("/etc/rc%c.d", level); links.in(level, "K") == "" && m.machine.Exists(dir) {
			never = append(never, dir)
		}
	}
	if never != nil {
		e.Misplaced = "no link stops it in " + strings.Join(never, " and ") + ": at shutdown it is killed, not stopped in order"
	}
	if last := links.stoppedAfter(m.found(ctx, everybodysEnd)); last != "" {
		e.Misplaced = last + ", which kills all remaining processes"
	}
	for _, service := range needed(script) {
		others := m.found(ctx, service)
		if wrong := cmp.Or(links.startedBefore(others), links.stoppedAfter(others)); wrong != "" {
			e.Misplaced = wrong + ", which it needs"
		}
	}
	if e.NotAtBoot == "" && e.Misplaced == "" {
		return
	}
	leave := append([]string{"rm", "-f"}, links...)
	if l := m.linker(id); l.program != "" {
		leave = l.remove
	}
	if e.Own == nil {
		e.Own = map[string]string{}
	}
	e.Own[platform.MendPlace] = strings.Join(leave, " ")
}

// startedBefore says where the service is started before others, and stoppedAfter where it is
// stopped after them. They return "" if there is no such place.
func (p places) startedBefore(others places) string {
	for _, level := range working {
		if ours, theirs := p.in(level, "S"), others.in(level, "S"); ours != "" && ours < theirs {
			return fmt.Sprintf("in runlevel %c it is started as %s, before %s", level, ours, theirs)
		}
	}
	return ""
}

func (p places) stoppedAfter(others places) string {
	for _, level := range ending {
		if ours, theirs := p.in(level, "K"), others.in(level, "K"); theirs != "" && ours > theirs {
			return fmt.Sprintf("in runlevel %c it is stopped as %s, after %s", level, ours, theirs)
		}
	}
	return ""
}

// needed returns the services that the header of a script names. Facilities do not count,
// because the machine provides them.
func needed(script []byte) (all []string) {
	header, _, _ := strings.Cut(string(script), "### END INIT INFO")
	for line := range strings.Lines(header) {
		if key, names, _ := strings.Cut(line, ":"); key == "# Required-Start" || key == "# Should-Start" {
			all = append(all, strings.Fields(names)...)
		}
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasPrefix(name, "$") })
}

// bootsTo returns the runlevel to which the machine boots: see inittab(5).
func (m *Manager) bootsTo() (level rune, ok bool) {
	tab, err := m.machine.ReadFile("/etc/inittab")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(tab)) {
		if f := strings.Split(line, ":"); len(f) > 2 && !strings.HasPrefix(line, "#") && f[2] == "initdefault" && len(f[1]) == 1 && strings.Contains(working, f[1]) {
			return rune(f[1][0]), true
		}
	}
	return 0, false
}
