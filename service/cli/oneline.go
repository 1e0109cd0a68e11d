package cli

import (
	"slices"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// oneLine returns text that is safe to print within a line of ours. Text by the service's user
// cannot start a line of its own.
func oneLine(text string) string {
	text = logsink.Printable(text)
	if strings.ContainsAny(text, "\n\t") {
		text = strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text)
	}
	return text
}

// behind returns multi-line text to be printed after a key. None of its lines can be mistaken
// for one of ours.
func behind(text string) string {
	return strings.ReplaceAll(logsink.Printable(text), "\n", "\n"+strings.Repeat(" ", 14))
}

// printable returns r with all texts safe to print. Root may read it, and most of it comes
// from files of the service's user.
func (r report) printable() report {
	for _, text := range []*string{
		&r.Name, &r.Version, &r.Exe, &r.User, &r.StartedBy, &r.Manager, &r.StatusText, &r.configuration, &r.Reloads.LastError, (*string)(&r.Phase),
	} {
		*text = oneLine(*text)
	}
	r.Health = each(r.Health, func(h *state.Health) { h.Name, h.Error = oneLine(h.Name), oneLine(h.Error) })
	r.Sockets = each(r.Sockets, func(s *state.Socket) {
		s.Name, s.Listen, s.Address, s.KeptBy = oneLine(s.Name), oneLine(s.Listen), oneLine(s.Address), oneLine(s.KeptBy)
	})
	r.Cluster = printableCluster(r.Cluster)
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

// each returns a copy of all with change applied to every element.
func each[T any](all []T, change func(*T)) []T {
	all = slices.Clone(all)
	for i := range all {
		change(&all[i])
	}
	return all
}
