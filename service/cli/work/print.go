package work

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/logsink"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

func table(cmd *cobra.Command, a journal.Answer) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	if len(a.Entries) > 0 {
		fmt.Fprintln(w, "ID\tKIND\tTRIGGER\tSTATE\tATTEMPT\tBEGUN\tNOTE")
	}
	for _, e := range a.Entries {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\t%s\n", e.ID, logsink.Printable(e.Kind), logsink.Printable(string(e.Trigger)), e.State,
			e.Attempt, stamp(e.Begun), logsink.Printable(note(e)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	warn(cmd.ErrOrStderr(), a)
	return nil
}

// warn reports what the journal has lost.
func warn(w io.Writer, a journal.Answer) {
	if a.Damaged > 0 {
		fmt.Fprintf(w, "warning: %d entries are damaged and cannot be read; they are kept in the journal\n", a.Damaged)
	}
	for _, path := range a.Aside {
		fmt.Fprintf(w, "warning: an earlier journal could not be used and was set aside: %s\n", logsink.Printable(path))
	}
}

func note(e journal.Entry) string {
	switch {
	case e.State == journal.Rerun:
		return fmt.Sprintf("as %d: %s", e.RerunAs, e.Reason)
	case e.State == journal.SetAside:
		return fmt.Sprintf("%d crashes: %s", e.Crashes, e.Reason)
	case e.Reason != "":
		return e.Reason
	case e.Worker != "":
		return "by " + e.Worker
	case e.RerunOf != 0:
		return fmt.Sprintf("of %d", e.RerunOf)
	}
	return ""
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.DateTime)
}

func whole(cmd *cobra.Command, a journal.Answer) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, e := range a.Entries {
		line := func(name string, value any) {
			if text := fmt.Sprint(value); text != "" && text != "0" && text != "-" {
				fmt.Fprintf(w, "%s:\t%s\n", name, logsink.Printable(text))
			}
		}
		line("id", e.ID)
		line("kind", e.Kind)
		line("trigger", e.Trigger)
		line("state", e.State)
		line("reason", e.Reason)
		line("attempt", e.Attempt)
		line("crashes", e.Crashes)
		line("term", e.Term)
		line("key", e.Key)
		line("rerun if interrupted", e.Rerun)
		line("rerun of", e.RerunOf)
		line("rerun as", e.RerunAs)
		line("begun", stamp(e.Begun))
		line("ended", stamp(e.Ended))
		line("worker", e.Worker)
		if e.Lease > 0 {
			line("lease", e.Lease)
		}
		if e.Child != nil {
			line("child", fmt.Sprintf("%d %s", e.Child.PID, e.Child.Exe))
		}
		line("parameters", text(e.Params))
		line("saved", text(e.Checkpoint))
	}
	return w.Flush()
}

// text returns bytes in a form for people.
func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return fmt.Sprintf("%d bytes: %x", len(b), b[:min(len(b), 64)])
}

func done(cmd *cobra.Command, a journal.Answer) error {
	if quiet := cmd.Flag("quiet"); quiet != nil && quiet.Value.String() == "true" {
		return nil
	}
	for _, e := range a.Entries {
		switch {
		case e.State == journal.Queued:
			fmt.Fprintf(cmd.OutOrStdout(), "%d: %s runs again as %d when the service takes it\n", e.RerunOf, logsink.Printable(e.Kind), e.ID)
		default:
			fmt.Fprintf(cmd.OutOrStdout(), "%d: %s is %s\n", e.ID, logsink.Printable(e.Kind), e.State)
		}
	}
	return nil
}
