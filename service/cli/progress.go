package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// quietFor is the length of a wait that needs no message. A terminal then gets a message every
// tellEvery.
const (
	quietFor  = time.Second
	tellEvery = 200 * time.Millisecond
	logEvery  = 10 * time.Second // without a terminal
)

// whileWaiting runs wait. If this takes long, it prints to standard error what is going on.
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
