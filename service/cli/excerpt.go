package cli

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// These limit how much of a log is searched for lines that are worth showing.
const (
	searchedLines = 1000
	searchedBytes = 1 << 20
	shownFrames   = 3 // stack frames of the program
)

// These are compiled on first use, because the start of the service does not need them and should not
// wait for them.
var (
	logPrefixPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^ \[]+\[\d+\]: `)
	}) // Nov 29 03:15:00 host feedd[4711]: panic: ...
	stackStartPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^goroutine \d+ .*\[.*\]:$`) })
	framePattern      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w.\-/~%@]+(\.[\w.()*\[\]{}\-]+)+\(.*\)$`) })
	placePattern      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s+\S.*:\d+( \+0x[0-9a-f]+)?$`) })
	noisePattern      = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\.\.\.|PC=|r\w+\s+0x|[cefg]s\s+0x|fault\s|lr\s|sp\s|pc\s)`)
	})
)

// excerpt returns the lines of a log that say most about a failure. These are the last lines,
// in which a stack dump is reduced to its headline and the first frames of the program. So the
// lines before the dump, which have the reason, stay visible.
func excerpt(lines []string, most int) []string {
	var kept []string
	dumped := 0 // number of frames kept from the current dump
	inDump := false
	for i, line := range lines {
		text := message(line)
		switch {
		case isHeadline(text):
			inDump, dumped = true, 0
			kept = append(kept, line)
		case isStackStart(text):
			if !inDump {
				inDump, dumped = true, 0
			} else if dumped > 0 { // another goroutine
				dumped = shownFrames
			}
		case isFrame(text):
			if !inDump && !structured(line) {
				kept = append(kept, line) // a sentence that looks like a call
				continue
			}
			inDump = true
			if place := ""; dumped < shownFrames && ofProgram(text) {
				if i+1 < len(lines) && isPlace(message(lines[i+1])) {
					place = " at " + strings.TrimSpace(message(lines[i+1]))
				}
				kept = append(kept, line+place)
				dumped++
			}
		case inDump && (isPlace(text) || isNoise(text)):
		case structured(line) && strings.TrimSpace(text) == "" || strings.TrimSpace(text) == "stack=":
		case strings.Contains(text, "still running: goroutine "): // written by holdfast when it forces a stop
			inDump, dumped = true, shownFrames
		default:
			inDump = false
			kept = append(kept, line)
		}
	}
	return kept[max(0, len(kept)-most):]
}

// printed returns the last line since that time in which the runtime says why it ended the
// service's process. After a panic before main there is nothing else.
func (t *target) printed(ctx context.Context, since time.Time) (headline string) {
	for _, line := range t.logLines(ctx, since) {
		if text := message(strings.TrimSpace(line)); isHeadline(text) {
			headline = logsink.Printable(text)
		}
	}
	return headline
}

// message returns a line without the prefix of journalctl or of our own log.
func message(line string) string {
	if _, text, ok := strings.Cut(line, "  | "); ok { // a line of a multi-line value
		if place, tab := strings.CutPrefix(text, `\t`); tab { // the log writes a tab like this
			return "\t" + place
		}
		return text
	}
	return logPrefixPattern().ReplaceAllString(line, "")
}

// structured reports whether a line belongs to a multi-line value.
func structured(line string) bool { return strings.Contains(line, "  | ") }

// isHeadline reports whether the runtime says here why it ends a process.
func isHeadline(text string) bool {
	return strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ") || strings.HasPrefix(text, "SIGQUIT: ") ||
		strings.HasPrefix(text, "unexpected fault address ") || strings.HasPrefix(text, "runtime: ") || strings.HasPrefix(text, "WARNING: DATA RACE")
}

func isStackStart(text string) bool {
	return stackStartPattern().MatchString(text) || text == "runtime stack:"
}

func isFrame(text string) bool {
	return strings.HasPrefix(text, "created by ") || framePattern().MatchString(text)
}

// isPlace reports whether a line gives the place of the stack frame before it.
func isPlace(text string) bool {
	return placePattern().MatchString(text)
}

// isNoise reports whether a line of a dump is not about stacks: registers, signals, omissions.
func isNoise(text string) bool {
	return strings.TrimSpace(text) == "" || strings.HasPrefix(text, "[signal ") || strings.HasPrefix(text, "exit status ") ||
		noisePattern().MatchString(text) || strings.HasPrefix(text, "panic(")
}

// ofProgram reports whether a frame belongs to the program, and not to the runtime or its
// callers.
func ofProgram(text string) bool {
	for _, other := range []string{
		"panic(", "runtime.", "runtime/", "testing.", "created by ", "github.com/holdfast-dev/holdfast/service.", "sync.", "internal/",
	} {
		if strings.HasPrefix(text, other) {
			return false
		}
	}
	return true
}
