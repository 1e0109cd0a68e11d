package logsink

import (
	"os"
	"time"

	"github.com/mattn/go-isatty"
)

// outside has everything that a Sink uses outside of this package.
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

// IsTerminal reports whether fd is a terminal that obeys escape sequences. It makes a console
// of Windows obey them.
func IsTerminal(fd uintptr) bool { return isatty.IsTerminal(fd) && obeysEscapes(fd) }

// Printable returns text in a form that is safe to show on a terminal, whatever its origin.
// Characters that could move the cursor, or change colours or the direction of writing, are
// replaced by Go escapes. Line breaks and tabs stay.
func Printable(text string) string { return escape(text, "\n\t") }

// PrintError writes the [Printable] form of text to standard error, just before the process
// ends. It gives up after [CloseTimeout] if nobody reads it.
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
