package cli

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// oneLine is text as a terminal may be shown it within a line of ours: what a
// service's user writes begins none.
func oneLine(text string) string {
	text = logsink.Printable(text)
	if strings.ContainsAny(text, "\n\t") {
		text = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text)
	}
	return text
}

// behind is text of several lines behind a key, none of which can be taken for a line
// of ours.
func behind(text string) string {
	return strings.ReplaceAll(logsink.Printable(text), "\n", "\n"+strings.Repeat(" ", 14))
}

// printable is r with every text as people may be shown it: root asks, and most of it
// is from files of the service's user.
func (r report) printable() report {
	for _, text := range []*string{
		&r.Name, &r.Version, &r.Exe, &r.User, &r.StartedBy, &r.Manager, &r.StatusText, &r.configuration, &r.Reloads.LastError, (*string)(&r.Phase),
	} {
		*text = oneLine(*text)
	}
	r.Health = each(r.Health, func(h *state.Health) { h.Name, h.Error = oneLine(h.Name), oneLine(h.Error) })
	r.Log = each(r.Log, func(text *string) { *text = oneLine(*text) })
	r.Notes = each(r.Notes, func(text *string) { *text = behind(*text) })
	if r.Stop != nil {
		stop := *r.Stop
		stop.Reason, stop.Now = oneLine(stop.Reason), oneLine(stop.Now)
		stop.Steps = each(stop.Steps, func(s *state.StopStep) { s.Name, s.Error = oneLine(s.Name), oneLine(s.Error) })
		r.Stop = &stop
	}
	if r.LastRun != nil {
		last := *r.LastRun
		last.How, last.Outcome, last.Version, last.Change = oneLine(last.How), oneLine(last.Outcome), oneLine(last.Version), oneLine(last.Change)
		r.LastRun = &last
	}
	if r.Work != nil {
		work := *r.Work
		work.Refused, work.Aside = oneLine(work.Refused), each(work.Aside, func(path *string) { *path = oneLine(*path) })
		r.Work = &work
	}
	if r.LastExit != nil {
		exit := printableExit(*r.LastExit)
		r.LastExit = &exit
	}
	return r
}

func printableExit(e platform.Exit) platform.Exit {
	e.Reason, e.Signal, e.Means = oneLine(e.Reason), oneLine(e.Signal), oneLine(e.Means)
	return e
}

// each is a copy of all in which change was made to every one.
func each[T any](all []T, change func(*T)) []T {
	all = slices.Clone(all)
	for i := range all {
		change(&all[i])
	}
	return all
}
