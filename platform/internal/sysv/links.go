package sysv

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/room"
)

// A linker makes and removes the links of the runlevels.
type linker struct {
	program     string // empty: by hand
	add, remove []string
	// manual has the commands that, after remove, make links which stop the service at
	// shutdown but do not start it at boot. It is empty if the program cannot make such links.
	manual [][]string
}

// linkers lists the programs that know the machine's order, the best first. NAME stands for
// the service.
var linkers = [...]linker{
	{
		"update-rc.d",
		[]string{"update-rc.d", "NAME", "defaults"},
		[]string{"update-rc.d", "-f", "NAME", "remove"},
		[][]string{{"update-rc.d", "NAME", "defaults-disabled"}},
	},
	{
		"chkconfig",
		[]string{"chkconfig", "--add", "NAME"},
		[]string{"chkconfig", "--del", "NAME"},
		[][]string{{"chkconfig", "--add", "NAME"}, {"chkconfig", "NAME", "off"}},
	},
	{"insserv", []string{"insserv", "NAME"}, []string{"insserv", "-r", "NAME"}, nil},
}

// linker returns the linker of this machine.
func (m *Manager) linker(id platform.ID) linker {
	for _, l := range linkers {
		for _, dir := range []string{"/usr/sbin", "/sbin", "/usr/lib/insserv"} {
			file := path.Join(dir, l.program)
			if _, err := m.machine.Stat(file); err == nil {
				name := func(argv []string) []string {
					argv = slices.Clone(argv)
					argv[0] = file
					argv[slices.Index(argv, "NAME")] = id.String()
					return argv
				}
				named := linker{program: l.program, add: name(l.add), remove: name(l.remove)}
				for _, argv := range l.manual {
					named.manual = append(named.manual, name(argv))
				}
				return named
			}
		}
	}
	return linker{}
}

// Numbers of links that are made by hand. Services start late, after those of the machine
// itself, and stop early. The numbers have two digits.
const (
	startNumber = 90
	stopNumber  = 10
)

// everybodysEnd is the script that kills all remaining processes at shutdown. It has a start
// link, after all stop links, unless insserv has changed that.
const everybodysEnd = "sendsigs"

// numbers returns numbers that start u after the services that it needs and stop it before
// them, as far as numbers are left.
func (m *Manager) numbers(ctx context.Context, u platform.Unit) (start, stop int) {
	start, stop = startNumber, stopNumber
	services := []string{everybodysEnd}
	for _, name := range slices.Concat(u.After, u.Requires, u.Wants) {
		if service, err := dialect().Dependency(name); err == nil && !strings.HasPrefix(service, "$") {
			services = append(services, service)
		}
	}
	for _, service := range services {
		for _, link := range m.found(ctx, service) {
			base := path.Base(link)
			n, _ := strconv.Atoi(base[1:3]) // always digits: see find
			if base[0] == 'S' {
				start = min(99, max(start, n+1))
			} else {
				stop = max(0, min(stop, n-1))
			}
		}
	}
	return start, stop
}

// handMade returns the links that put the service into the runlevels. It skips missing
// directories, unless all are missing: then the plan is for another machine.
func (m *Manager) handMade(ctx context.Context, u platform.Unit) []string {
	start, stop := m.numbers(ctx, u)
	var all, there []string
	for _, level := range "0123456" {
		kind := fmt.Sprintf("S%02d", start)
		if strings.ContainsRune("016", level) || u.StartType == platform.StartManual {
			kind = fmt.Sprintf("K%02d", stop)
		}
		dir := fmt.Sprintf("/etc/rc%c.d", level)
		all = append(all, path.Join(dir, kind+u.ID.String()))
		if m.machine.Exists(dir) {
			there = append(there, all[len(all)-1])
		}
	}
	if there == nil {
		return all
	}
	return there
}

// found returns the existing links of a service, with any number. If they cannot be listed, it
// returns none.
func (m *Manager) found(ctx context.Context, service string) []string {
	links, err := m.find(ctx, service)
	if err != nil {
		return nil
	}
	return links
}

// find is found for callers that make or remove links, and need the error.
func (m *Manager) find(ctx context.Context, service string) ([]string, error) {
	argv := []string{"find"}
	all := true
	for _, level := range "0123456" {
		dir := fmt.Sprintf("/etc/rc%c.d/", level) // the slash follows a link
		argv = append(argv, dir)
		all = all && m.machine.Exists(dir)
	}
	// A missing directory is not an error. Names have no characters that are special to find.
	out, err := room.Ask(ctx, m.machine, append(argv, "-name", "[SK][0-9][0-9]"+service)...)
	if err != nil && all {
		return nil, err
	}
	links := strings.Fields(out)
	slices.Sort(links)
	return links, nil
}

// enabled reports whether one of the links starts the service.
func enabled(links []string) bool {
	return slices.ContainsFunc(links, func(l string) bool { return strings.HasPrefix(path.Base(l), "S") })
}

// enable returns the steps that add the service to the runlevels. With a manual start type,
// the links only stop it.
func (m *Manager) enable(ctx context.Context, u platform.Unit) ([]platform.Step, error) {
	links, err := m.find(ctx, u.ID.String())
	if err != nil {
		return nil, err
	}
	manual := u.StartType == platform.StartManual
	why := "start the service at boot, stop it at shutdown"
	if manual {
		why = "do not start the service at boot, and stop it at shutdown"
	}
	var steps []platform.Step
	if len(links) > 0 && enabled(links) == manual { // linkers do not change existing links
		if steps, err = m.disable(ctx, u.ID); err != nil {
			return nil, err
		}
		links = nil
	}
	l := m.linker(u.ID)
	switch {
	case l.program == "":
		if len(links) > 0 {
			return nil, nil
		}
		for _, link := range m.handMade(ctx, u) {
			steps = append(steps, platform.Step{
				Kind: platform.StepRun, Describe: why + ": " + link,
				Argv: symlink(u.ID, link), Undo: []string{"rm", "-f", link},
			})
		}
		return steps, nil
	case !manual:
		step := platform.Step{Kind: platform.StepRun, Describe: why, Argv: l.add}
		if len(links) == 0 {
			step.Undo = l.remove
		}
		return append(steps, step), nil
	case len(links) > 0:
		return nil, nil
	}
	for _, argv := range l.manual {
		steps = append(steps, platform.Step{Kind: platform.StepRun, Describe: why, Argv: argv, Undo: l.remove})
	}
	return steps, nil
}

// disable returns the steps that remove the service from the runlevels.
func (m *Manager) disable(ctx context.Context, id platform.ID) ([]platform.Step, error) {
	links, err := m.find(ctx, id.String())
	if err != nil {
		return nil, err
	}
	const why = "do not start it at boot any more"
	if l := m.linker(id); l.program != "" {
		step := platform.Step{Kind: platform.StepRun, Describe: why, Argv: l.remove}
		if enabled(links) {
			step.Undo = l.add
		}
		return []platform.Step{step}, nil
	}
	var steps []platform.Step
	for _, link := range links {
		steps = append(steps, platform.Step{
			Kind: platform.StepRun, Describe: why + ": " + link,
			Argv: []string{"rm", "-f", link}, Undo: symlink(id, link),
		})
	}
	return steps, nil
}

func symlink(id platform.ID, link string) []string {
	return []string{"ln", "-sfn", "../init.d/" + id.String(), link}
}
