package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/singleton"
)

// begin lets the manager start or restart the service, and reports the result: why it failed
// or, on a terminal, that it is ready and where to see more.
func (a *app) begin(cmd *cobra.Command, t *target, verb, doing string, do func(context.Context, platform.ID) error) error {
	line, err := a.bring(cmd, t, verb, doing, do)
	if err == nil && isTerminal(notes(cmd)) {
		fmt.Fprintln(notes(cmd), line)
	}
	return err
}

// bring is like begin, but lets the caller report that the service is ready.
func (a *app) bring(cmd *cobra.Command, t *target, verb, doing string, do func(context.Context, platform.ID) error) (ready string, err error) {
	asked := t.Now()
	before, _ := t.holder(cmd.Context()) // the process to be stopped first, if there is one
	logged := t.logged(cmd.Context())
	if err := a.managed(cmd, t, doing, do); err != nil {
		why := t.why(cmd, verb, asked, logged, err)
		if r, _, _, _ := t.merge(cmd.Context()); r.GaveUp && !untried(err) {
			why = fmt.Errorf("%w; %s", why, a.gaveUp(t))
		}
		return "", why
	}
	if s, err := state.Read(t.dirs.StateFile(t.id.String())); err == nil && before.Known() && !s.StartedAt.Before(asked) && s.LastExit != nil && !s.LastExit.Clean {
		fmt.Fprintf(cmd.ErrOrStderr(), "the run before did not stop in order: %s\n", oneLine(s.LastExit.Reason))
	}
	if verb == "restart" {
		before = singleton.Holder{}
	}
	return t.readyLine(cmd.Context(), before, asked), nil
}

// why returns err, from a start requested at that time, in the program's own words as far as
// it left some. Before that, it prints what the program logged to standard error.
func (t *target) why(cmd *cobra.Command, verb string, asked time.Time, logged []string, err error) (why error) {
	ctx := cmd.Context()
	end, silent := t.endedSince(ctx, asked)
	if ctx.Err() != nil || end == nil && untried(err) {
		return err
	}
	if !errors.Is(err, platform.ErrTimeout) && cmd.Name() != "install" { // a timeout reports that the start goes on; an install is rolled back
		if again := t.triesAgain(ctx); again != "" {
			defer func() { why = fmt.Errorf("%w; %s, until it is stopped", why, again) }()
		}
	}
	for i, line := range t.lastLines(ctx, asked, logged) {
		if i == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "the last lines of its log:\n")
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "  %s\n", line)
	}
	if st, err := t.query(ctx, t.id); err == nil && st.Definition != nil {
		for _, drop := range st.Definition.DropIns {
			fmt.Fprintf(cmd.ErrOrStderr(), "- changed from outside: %v\n", drop)
		}
	}
	failed, known := errors.AsType[*platform.FailedError](err)
	if end == nil || known && silent {
		return err
	}
	code := platform.ExitClass(end.Code)
	told := platform.FailedError{Reason: end.Reason, Code: code}
	if known {
		told.How, told.Log = failed.How, failed.Log
		return fmt.Errorf("%s %q: %w", verb, t.id, &told)
	}
	// A script only reports that the start failed. Its exit code is derived from ours.
	if _, scripted := errors.AsType[*platform.CommandError](err); scripted && !errors.Is(err, platform.ErrTimeout) {
		if told.How = end.Words(); silent || told.How == told.Reason {
			told.Reason = ""
		}
		told.Log = t.manager.Logs(t.id, 20, false)
		return fmt.Errorf("%s %q: %w", verb, t.id, &told)
	}
	if !strings.Contains(err.Error(), end.Reason) {
		err = fmt.Errorf("%w: %s (%s)", err, end.Reason, end.Words())
	}
	return &classedError{err, code}
}

// untried reports whether a start failed before anything was started.
func untried(err error) bool {
	if failed, ok := errors.AsType[*platform.FailedError](err); ok && failed != nil {
		return false
	}
	return slices.ContainsFunc([]error{platform.ErrPermission, platform.ErrForeign, platform.ErrNotInstalled, platform.ErrUnsupported},
		func(kind error) bool { return errors.Is(err, kind) })
}

// endedSince returns how a run ended that began after that time, by the record that the run
// closed itself. It is nil if there is none, or if the run ended well. silent reports whether
// the run ended without a word.
func (t *target) endedSince(ctx context.Context, asked time.Time) (end *platform.Exit, silent bool) {
	last, err := t.lastRecord(ctx)
	if err != nil || last.Started.Before(asked) {
		return nil, false
	}
	if last.Exit == nil {
		if alive, err := t.Alive(last.Process); err == nil && !alive {
			return last.Ending(), last.Seen == nil
		}
		// The next run has begun.
		if s, err := state.Read(t.dirs.StateFile(t.id.String())); err == nil && !s.StartedAt.Before(asked) {
			end = s.LastExit
		}
	} else {
		end = last.Exit
	}
	if end == nil || end.Clean {
		return nil, false
	}
	last.Exit, last.Seen = nil, nil
	return end, *end == *last.Ending()
}

// inOrder returns nil if the process that was asked to stop has ended in order. Whoever
// requests a stop must also learn about a stop that went wrong.
func (t *target) inOrder(ctx context.Context, h singleton.Holder) error {
	last, err := t.lastRecord(ctx)
	switch {
	case err != nil || !last.Process.Same(h.Identity):
		return nil //nolint:nilerr // nobody knows
	case last.Exit == nil:
		return notInOrder(t.id, "it was killed before it had stopped (see stop_timeout), or could not record its end")
	case !last.Exit.Clean:
		return notInOrder(t.id, "%s", last.Exit.Reason)
	}
	return nil
}

// notInOrder returns the error for a stop after which the service has ended, but not as
// requested.
func notInOrder(id platform.ID, why string, args ...any) error {
	return &classedError{fmt.Errorf("stop %q: it is gone, but did not stop in order: %s", id, fmt.Sprintf(why, args...)), platform.ExitNotInOrder}
}

// A classedError is an error with its own exit code.
type classedError struct {
	error
	code int
}

func (e *classedError) Unwrap() error { return e.error }

// These limit how much of a log is shown with a failure, and how long reading it may take.
const (
	logLines   = 8
	logWithin  = 15 * time.Second
	syncWithin = logWithin / 3
	logLongest = 400 // characters of a line
)

// lastLines returns the last lines of the service's log. These are the lines since that time,
// or, if the log cannot tell, those that are not in logged. There are none if there is no log,
// or if we may not read it.
func (t *target) lastLines(ctx context.Context, since time.Time, logged []string) []string {
	return shown(added(logged, t.logLines(ctx, since)))
}

// logged returns the lines in the log before a start, if the log cannot tell them apart later.
func (t *target) logged(ctx context.Context) []string {
	if _, tells := t.manager.(platform.LogFilterer); tells && t.cfg.Log.File == "" {
		return nil
	}
	return t.logLines(ctx, time.Time{})
}

// added returns the new lines of a log. They are behind the old ones, or before them if the
// log shows the latest lines first.
func added(before, after []string) []string {
	for n := min(len(before), len(after)); n > 0; n-- {
		if slices.Equal(before[len(before)-n:], after[:n]) {
			return after[n:]
		}
		if slices.Equal(before[:n], after[len(after)-n:]) {
			return after[:len(after)-n]
		}
	}
	return after
}

// logLines returns the lines at the end of the log.
func (t *target) logLines(ctx context.Context, since time.Time) []string {
	ctx, cancel := context.WithTimeout(ctx, logWithin)
	defer cancel()
	if file := t.logFile(); file != "" {
		text, err := leavable(ctx, func() (string, error) {
			text := lastBytes{most: searchedBytes}
			err := tail(ctx, &text, file, searchedLines, false)
			return string(text.kept), err
		})
		if err != nil {
			return nil
		}
		return slices.Collect(strings.Lines(text))
	}
	if t.manager == nil {
		return nil
	}
	argv := t.manager.Logs(t.id, searchedLines, false)
	if m, ok := t.manager.(platform.LogSyncer); ok && !since.IsZero() {
		syncing, done := context.WithTimeout(ctx, syncWithin)
		_ = m.SyncLogs(syncing) // without it, the last lines may be missing
		done()
	}
	if m, ok := t.manager.(platform.LogFilterer); ok && !since.IsZero() {
		argv = m.FilteredLogs(t.id, platform.LogFilter{Lines: searchedLines, Since: sinceExactly(since)})
	}
	if len(argv) == 0 {
		return nil
	}
	out := lastBytes{most: searchedBytes}
	show := exec.CommandContext(ctx, argv[0], argv[1:]...)
	show.Stdout, show.WaitDelay = &out, time.Second
	if err := show.Run(); err != nil {
		return nil
	}
	return slices.Collect(strings.Lines(string(out.kept)))
}

// sinceExactly formats a time for systemd.time(7), to the microsecond, because the run before
// may have ended in the same second.
func sinceExactly(t time.Time) string {
	return fmt.Sprintf("@%d.%06d", t.Unix(), t.Nanosecond()/int(time.Microsecond))
}

// lastBytes keeps at least the last most bytes of what is written to it.
type lastBytes struct {
	kept []byte
	most int
}

func (l *lastBytes) Write(b []byte) (int, error) {
	l.kept = append(l.kept, b...)
	if over := len(l.kept) - l.most; over > l.most {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return len(b), nil
}

// shown returns the lines that say most, safe to print on a terminal.
func shown(all []string) []string {
	var lines []string
	for _, line := range all {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "-- ") { // written by journalctl itself
			continue
		}
		lines = append(lines, line)
	}
	lines = excerpt(lines, logLines)
	for i, line := range lines {
		if line = logsink.Printable(line); len([]rune(line)) > logLongest {
			line = string([]rune(line)[:logLongest]) + "..."
		}
		lines[i] = line
	}
	return lines
}

// readyLine says that the service, whose start was requested at that time, is ready, and where
// to see more. before is the process that ran until then.
func (t *target) readyLine(ctx context.Context, before singleton.Holder, asked time.Time) string {
	text := fmt.Sprintf("%s is ready after %.1f s", t.id, t.Now().Sub(asked).Seconds())
	if h, err := t.probe(ctx, t.lock()); err == nil && h.Known() {
		if before.Known() && before.Same(h.Identity) {
			text = fmt.Sprintf("%s is already running", t.id)
		}
		text += fmt.Sprintf(", pid %d", h.PID)
	}
	if log := t.logCommand(); log != "" {
		text += "; log: " + log
	}
	return text
}

// logCommand returns a short command that shows the log. It is empty if there is no log.
func (t *target) logCommand() string {
	if t.cfg.Log.File != "" {
		return t.cfg.Log.File
	}
	if t.manager == nil {
		return ""
	}
	return strings.Join(t.manager.Logs(t.id, logLines, false), " ")
}
