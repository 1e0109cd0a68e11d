package cli

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-dev/holdfast/service/logsink"
)

// How much of a log is looked at for what is worth showing of it.
const (
	searchedLines = 1000
	searchedBytes = 1 << 20
	shownFrames   = 3 // of the program
)

// They are compiled when they are first used: a start of the service, which has no use for them,
// does not wait for that.
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

// excerpt is what says most of a failure among the lines of a log: the last lines,
// where a dump of stacks counts for no more than its headline and the first frames
// of the program. What was said before the dump, the reason, is thereby in sight.
func excerpt(lines []string, most int) []string {
	var kept []string
	dumped := 0 // frames that were kept of the present dump
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
				kept = append(kept, line) // as it were a call, in a sentence
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
		case strings.Contains(text, "still running: goroutine "): // by holdfast, at a stop that was forced
			inDump, dumped = true, shownFrames
		default:
			inDump = false
			kept = append(kept, line)
		}
	}
	return kept[max(0, len(kept)-most):]
}

// printed is how the runtime began, since that time, to say why it ended the service's
// process: the last it said. That is all there is of a panic before main.
func (t *target) printed(ctx context.Context, since time.Time) (headline string) {
	for _, line := range t.logLines(ctx, since) {
		if text := message(strings.TrimSpace(line)); isHeadline(text) {
			headline = logsink.Printable(text)
		}
	}
	return headline
}

// message is a line without what journalctl and our own log put before it.
func message(line string) string {
	if _, text, ok := strings.Cut(line, "  | "); ok { // a value of several lines
		if place, tab := strings.CutPrefix(text, `\t`); tab { // as the log writes it
			return "\t" + place
		}
		return text
	}
	return logPrefixPattern().ReplaceAllString(line, "")
}

// structured reports whether a line is part of a value of several lines.
func structured(line string) bool { return strings.Contains(line, "  | ") }

// isHeadline is how the runtime begins to say why it ends a process.
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

// isPlace is the line behind a frame.
func isPlace(text string) bool {
	return placePattern().MatchString(text)
}

// isNoise is what a dump has beside stacks: registers, signals, what was left out.
func isNoise(text string) bool {
	return strings.TrimSpace(text) == "" || strings.HasPrefix(text, "[signal ") || strings.HasPrefix(text, "exit status ") ||
		noisePattern().MatchString(text) || strings.HasPrefix(text, "panic(")
}

// ofProgram reports whether a frame is neither of the runtime nor of what called it.
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
