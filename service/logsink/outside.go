package logsink

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"
)

// outside is what a Sink reaches beyond this package.
type outside struct {
	stderr    *os.File
	colour    func() bool // stderr shows colours
	inJournal func() bool // stderr leads to the journal
	journal   sendJournal // nil: there is none on this system
	syslog    func(name string) (destination, error)
	events    openEvents
	file      func(Options) (destination, error)
	now       func() time.Time // nil: time.Now
}

func system() outside {
	f := stderr()
	return outside{
		stderr: f,
		colour: func() bool {
			// NO_COLOR as in https://no-color.org: set, and not empty.
			return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && IsTerminal(f.Fd())
		},
		inJournal: stderrInJournal,
		journal:   journalSender(),
		syslog:    func(name string) (destination, error) { return dialSyslog("", "", name) },
		events:    openEventLog,
		file:      openFile,
	}
}

// IsTerminal reports whether fd is a terminal that obeys escape sequences. A console
// of Windows is told to.
func IsTerminal(fd uintptr) bool { return isatty.IsTerminal(fd) && obeysEscapes(fd) }

// Printable is text as a terminal may be shown it, wherever it comes from: what
// could move the cursor, change colours or the direction of writing is written as
// a Go escape. Line breaks and tabs stay.
func Printable(text string) string { return escape(text, "\n\t") }

// PrintError writes text, made [Printable], to standard error as the last word of a
// process. Where nobody takes it, it gives up after [CloseTimeout].
func PrintError(text string) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = os.Stderr.WriteString(Printable(text))
	}()
	limit := time.NewTimer(CloseTimeout)
	defer limit.Stop()
	select {
	case <-written:
	case <-limit.C:
	}
}
