package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/holdfast-dev/holdfast/service/recovery"
)

// askWork reads the summary of the service's journal of interrupted work, and notes what needs
// attention.
func (r *report) askWork(ctx context.Context, t *target) {
	w, err := leavable(ctx, func() (*recovery.Work, error) { return recovery.ReadWork(t.dirs.JournalFile(t.id.String())) })
	if err != nil {
		r.note(err.Error())
	}
	if w == nil {
		return
	}
	r.Work = w
	if w.Refused != "" {
		r.note("its journal of interrupted work is not used, so no work is recorded and none is run again: " + w.Refused)
	}
	for _, path := range w.Aside {
		r.note("an earlier journal of interrupted work could not be used and was set aside: " + path)
	}
	if w.SetAside > 0 {
		r.note(fmt.Sprintf("%s set aside after too many crashes: `work list` shows it, `work release` has it run again", pieces(w.SetAside)))
	}
	if w.Interrupted > 0 {
		r.note(fmt.Sprintf("%s interrupted and not run again by itself: `work list` shows it, `work rerun` has it run", pieces(w.Interrupted)))
	}
	if w.Damaged > 0 {
		r.note(fmt.Sprintf("%d entries of its journal of interrupted work are damaged and cannot be read", w.Damaged))
	}
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece of work was"
	}
	return fmt.Sprintf("%d pieces of work were", n)
}

// workText says what is in progress and what waits. It is empty if there is nothing.
func workText(w *recovery.Work, running bool) string {
	if w == nil {
		return ""
	}
	var all []string
	if w.Begun > 0 {
		what := "under way"
		if !running {
			what = "under way when it ended"
		}
		all = append(all, fmt.Sprintf("%d %s", w.Begun, what))
	}
	if w.Queued > 0 {
		all = append(all, fmt.Sprintf("%d waiting", w.Queued))
	}
	return strings.Join(all, ", ")
}
