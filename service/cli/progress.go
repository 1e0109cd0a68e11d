package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// When a wait gets worth a word, and how often a terminal is told more.
const (
	quietFor  = time.Second
	tellEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second // where it is no terminal
)

// whileWaiting runs wait and, if that takes long, tells on standard error what
// is going on.
func (a *app) whileWaiting(cmd *cobra.Command, doing func() string, wait func() error) error {
	done := make(chan error, 1)
	go func() { done <- wait() }()
	begun := time.Now()
	out := notes(cmd)
	tty := isTerminal(out)
	every := logEvery
	if tty {
		every = tellEvery
	}
	next := time.NewTimer(quietFor)
	defer next.Stop()
	told := false
	for {
		select {
		case err := <-done:
			if told && tty {
				fmt.Fprint(out, "\r\x1b[K")
			}
			return err
		case <-next.C:
			line := fmt.Sprintf("%s (%v)", oneLine(doing()), time.Since(begun).Round(time.Second))
			if tty {
				fmt.Fprintf(out, "\r\x1b[K%s", line)
			} else {
				fmt.Fprintln(out, line)
			}
			told = true
			next.Reset(every)
		}
	}
}

func isTerminal(w any) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && logsink.IsTerminal(f.Fd())
}
