package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON, watch, all, ready bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the service",
		Long: "Show the state of the service. The exit code is LSB's: 0 running, 1 dead with a PID file, 2 dead with " +
			"other state left, 3 not running, 4 unknown. With --ready it is 0 only if the service is ready and no health check fails.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := a.targetRegardless(cmd)
			if err != nil {
				return unknownStatus(cmd.Context(), err)
			}
			show := printStatus
			if asJSON {
				show = printStatusJSON
			}
			var reports []report
			look := func() error { reports = a.reports(cmd, t, all); return nil }
			err = watched(cmd, watch, asJSON, look, func(w io.Writer) error {
				for _, r := range reports {
					if err := show(w, r); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil || watch {
				return err
			}
			if ready {
				return notReady(reports)
			}
			return lsbError(worst(reports))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one object")
	cmd.Flags().BoolVar(&all, "all", false, "each instance of the service; the exit code is the greatest")
	cmd.Flags().BoolVar(&ready, "ready", false, "fail unless it is ready and no health check fails, as for the probe of a container")
	cmd.Flags().BoolVar(&watch, "watch", false, "again every second, until ctrl-C")
	return cmd
}

// watched looks and shows once, or every second until ctrl-C. It clears a terminal before each
// output for people.
func watched(cmd *cobra.Command, again, asJSON bool, look func() error, show func(io.Writer) error) error {
	w := cmd.OutOrStdout()
	for {
		if err := look(); err != nil {
			return err
		}
		if again && !asJSON && isTerminal(w) {
			fmt.Fprint(w, "\x1b[H\x1b[2J")
		}
		if err := show(w); err != nil || !again {
			return err
		}
		select {
		case <-cmd.Context().Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// reports returns the report about t. With all, it returns the reports about its instances,
// after the report about t if there is such a service.
func (a *app) reports(cmd *cobra.Command, t *target, all bool) []report {
	done := looking(cmd)
	defer done()
	ctx := cmd.Context()
	own := t.examine(ctx)
	if t.otherManager != "" {
		own.note(fmt.Sprintf("it is installed with another manager: %s --manager %s", a.command(t, "status"), t.otherManager))
	}
	for _, note := range a.drift(ctx, t).notes(a, t) {
		if !slices.Contains(own.Notes, note) {
			own.note(note)
		}
	}
	if own.GaveUp {
		own.note(a.gaveUp(t))
	}
	own.triggered(a, t)
	if text := t.pending(); text != "" {
		own.note(text)
	}
	if !own.none() && !all {
		return []report{own}
	}
	instances, left := a.instances(cmd, t)
	if left > 0 {
		own.note(fmt.Sprintf("there are too many files with names of instances: %d names were not examined", left))
	}
	if !all {
		own.noteInstances(ctx, a, t, instances)
		return []report{own}
	}
	var reports []report
	if !own.none() || len(instances) == 0 || left > 0 {
		reports = append(reports, own)
	}
	for _, i := range instances {
		r := i.examine(ctx)
		if r.GaveUp {
			r.note(a.gaveUp(i))
		}
		r.triggered(a, i)
		r.Notes = append(r.Notes, a.drift(ctx, i).notes(a, i)...)
		reports = append(reports, r)
	}
	return reports
}

func printStatusJSON(w io.Writer, r report) error {
	return writeJSON(w, r)
}

func printStatus(w io.Writer, r report) error {
	r = r.printable()
	var b strings.Builder
	line := func(key, format string, args ...any) {
		fmt.Fprintf(&b, "%12s  %s\n", key, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s %s", phaseColor(r.Phase).Sprint("●"), color.New(color.Bold).Sprint(r.Name))
	if r.Version != "" {
		fmt.Fprintf(&b, " %s", r.Version)
	}
	fmt.Fprintf(&b, " is %s\n", headline(r))

	if r.PID != 0 {
		line("process", "%d%s%s", r.PID, prefixed(", user ", r.User), prefixed(", ", r.Exe))
	}
	if r.StartedAt != nil {
		line("started", "%s by %s", r.when(*r.StartedAt), r.StartedBy)
	}
	if r.ReadyAt != nil && r.StartedAt != nil {
		line("ready", "%s, after %v", r.when(*r.ReadyAt), r.ReadyAt.Sub(*r.StartedAt).Round(time.Millisecond))
	}
	if r.Manager != "" {
		line("manager", "%s (%s): %s", r.Manager, r.Scope, installation(r))
	}
	if r.StatusText != "" {
		line("says", "%s", r.StatusText)
	}
	if r.Cluster != nil {
		line("cluster", "%s", clusterText(r, *r.Cluster))
	}
	for i, h := range r.Health {
		key := "health"
		if i > 0 {
			key = ""
		}
		line(key, "%s", healthText(r, h))
	}
	for i, s := range r.Sockets {
		key := "sockets"
		if i > 0 {
			key = ""
		}
		line(key, "%s", socketText(s))
	}
	if n := r.Reloads.Completed; n > 0 {
		outcome := color.GreenString("succeeded")
		if r.Reloads.LastError != "" {
			outcome = color.RedString("refused: %s", r.Reloads.LastError)
		}
		line("reloads", "%d (%d failed); the last, %s, %s", n, r.Reloads.Failed, r.when(r.Reloads.LastEnd), outcome)
	}
	if s := r.Stop; s != nil {
		line("stopping", "%s; %d steps done%s", s.Reason, len(s.Steps), prefixed("; at work: ", s.Now))
		for _, step := range s.Steps {
			line("", "%s, %v%s", step.Name, step.Took.Round(time.Millisecond), prefixed(": ", step.Error))
		}
	}
	if e := r.LastExit; e != nil {
		line("last exit", "%s", exitText(*e))
	}
	if text := lastRunText(r); text != "" {
		line("last run", "%s", text)
	}
	if r.Restarts > 0 {
		text := fmt.Sprint(r.Restarts)
		if r.GaveUp {
			text += ", and it is not started again automatically"
		}
		line("restarts", "%s", text)
	}
	if text := workText(r.Work, r.PID != 0); text != "" {
		line("work", "%s", text)
	}
	if text := alarmsText(r); text != "" {
		line("alarms", "%s", text)
	}
	if u := r.Resources; u != nil {
		line("uses", "%s, CPU %s %%, %s threads, %s files, %d children", bytesText(u.RSS), cpuText(u.CPU), count(u.Threads), count(u.FDs), u.Children)
	}
	line("config", "%s", r.configuration)
	for i, l := range r.Log {
		key := "log"
		if i > 0 {
			key = ""
		}
		line(key, "%s", l)
	}
	for i, what := range r.Missing {
		key := "missing"
		if i > 0 {
			key = ""
		}
		line(key, "%s", what)
	}
	for _, n := range r.Notes {
		line(color.YellowString("%12s", "note"), "%s", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func phaseColor(p platform.Phase) *color.Color {
	switch p {
	case platform.PhaseReady, platform.PhaseStandby:
		return color.New(color.FgGreen)
	case platform.PhaseFailed, platform.PhaseUnknown:
		return color.New(color.FgRed)
	case platform.PhaseStopped:
		return color.New(color.Faint)
	}
	return color.New(color.FgYellow)
}

func installation(r report) string {
	switch {
	case !r.Installed && r.Definition != nil && r.Definition.State == platform.DefinitionMasked:
		return "not installed: " + r.Definition.String()
	case !r.Installed && r.Definition != nil:
		return "not made by holdfast: " + r.Definition.String()
	case !r.Installed:
		return "not installed"
	case r.Enabled && r.AtLogin:
		return "installed, starts at login"
	case r.Enabled:
		return "installed, starts at boot"
	case r.Trigger != nil && r.Trigger.Enabled:
		return "installed, starts on a connection"
	}
	return "installed, not enabled"
}

// triggered notes what the units that start the service for a connection are doing.
func (r *report) triggered(a *app, t *target) {
	switch g := r.Trigger; {
	case g == nil:
	case g.Failed != "" && r.PID != 0:
		r.note(fmt.Sprintf("%s: %s makes it listen again", g.Failed, a.command(t, "restart")))
	case g.Failed != "":
		r.note(fmt.Sprintf("%s: %s makes it listen again", g.Failed, a.command(t, "start")))
	case g.Listening && r.PID == 0 && r.Next == nil && r.Phase == platform.PhaseStopped:
		r.note("the next connection starts it: " + strings.Join(g.Units, ", "))
	case !g.Listening && r.PID != 0:
		r.note(fmt.Sprintf("not all of its units listen (%s): %s makes them", strings.Join(g.Units, ", "), a.command(t, "restart")))
	}
}

func healthText(r report, h state.Health) string {
	if h.OK {
		return fmt.Sprintf("%s: %s%s", h.Name, color.GreenString("ok"), r.since(h.Since))
	}
	return fmt.Sprintf("%s: %s%s: %s", h.Name, color.RedString("failed"), r.since(h.Since), h.Error)
}

func exitText(e platform.Exit) string {
	if e.Clean { // a code next to a success would be misleading
		return color.GreenString("clean") + ": " + e.Reason
	}
	return color.RedString("not clean") + ": " + ending(e)
}

// nextText says when the next attempt comes, and which one it is.
func nextText(r report, n platform.NextTry) string {
	text := "next try soon"
	switch wait := n.At.Sub(r.now); {
	case n.At.IsZero() && n.Delay > 0: // the time of the end is not known
		text = "next try within " + n.Delay.String()
	case !n.At.IsZero() && wait > 0:
		text = "next try in " + wait.Round(100*time.Millisecond).String()
	}
	switch {
	case n.Max > 0 && n.Number <= n.Max:
		text += fmt.Sprintf(", %d of %d", n.Number, n.Max)
	case n.Number > 0:
		text += fmt.Sprintf(", restart %d since it was started by hand", n.Number)
	}
	return text
}

// headline describes the phase of the service, and since when. A reload does not change since
// when the service is ready.
func headline(r report) string {
	text, since := phaseText(r), r.PhaseSince
	if r.Phase == platform.PhaseReady && r.ReadyAt != nil {
		since = *r.ReadyAt
	}
	text = phaseColor(r.Phase).Sprint(text) + r.since(since)
	if r.Next != nil && r.PID == 0 {
		text += ", " + nextText(r, *r.Next)
	}
	if r.GaveUp {
		text += ", given up"
	}
	if r.Phase == platform.PhaseStarting && r.PID != 0 && r.Restarts > 0 && r.LastExit != nil && !r.LastExit.Clean {
		text += fmt.Sprintf(", again, after a failure (%d restarts)", r.Restarts)
	}
	return text
}

// phaseText returns "not known" if a time follows, because nothing is known since then.
func phaseText(r report) string {
	if r.Phase == platform.PhaseUnknown && !r.PhaseSince.IsZero() {
		return "not known"
	}
	return string(r.Phase)
}

func (r report) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + r.when(t)
}

func (r report) when(t time.Time) string {
	return fmt.Sprintf("%s (%v ago)", t.Local().Format(time.DateTime), r.now.Sub(t).Round(time.Second))
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func count(n int) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}

func cpuText(percent float64) string {
	if percent < 0 {
		return "?"
	}
	return fmt.Sprintf("%.1f", percent)
}

func bytesText(n int64) string {
	if n < 0 {
		return "? memory"
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
