package recovery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
)

// MaxCrash is how much of what a crash has said is read; a dump of all goroutines
// may be many megabytes.
const MaxCrash = 64 << 10

// Crash is what the runtime of Go says of the end that it puts to a process: a panic that
// nobody recovers, a fault, a signal such as SIGABRT.
type Crash struct {
	Exit platform.Exit
	Text string // with the stacks, the first MaxCrash bytes
}

// ReadCrash is what the file at path has of the last run's; nil if it has nothing.
func ReadCrash(path string) (*Crash, error) {
	f, err := files.OpenToRead(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("last words: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxCrash))
	if err != nil {
		return nil, fmt.Errorf("last words: %w", err)
	}
	return parseCrash(string(b)), nil
}

// CatchCrash has the runtime write what it says of a crash of this process to the file
// at path, too, in the place of what is there: see [debug.SetCrashOutput].
func CatchCrash(path string) error {
	f, err := files.Open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("last words: %w", err)
	}
	err = debug.SetCrashOutput(f, debug.CrashOptions{})
	if e := f.Close(); err == nil { // the runtime has its own handle
		err = e
	}
	if err != nil {
		return fmt.Errorf("last words: %w", err)
	}
	return nil
}

// ForgetCrash is the reverse of CatchCrash, and removes the file.
func ForgetCrash(path string) error {
	err := debug.SetCrashOutput(nil, debug.CrashOptions{})
	if e := files.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("last words: %w", err)
	}
	return nil
}

// The longest first line of a panic that is taken for its reason.
const maxReason = 400

// What the runtime begins with where a signal ends the process, runtime.dieFromSignal: "SIGABRT: abort".
func signalLine() *regexp.Regexp { return regexp.MustCompile(`^(SIG[A-Z0-9]+): `) }

func parseCrash(text string) *Crash {
	first, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	first = strings.TrimSpace(first)
	if first == "" {
		return nil
	}
	c := &Crash{Exit: platform.Exit{Code: exitFault, Reason: first[:min(len(first), maxReason)]}, Text: text}
	if m := signalLine().FindStringSubmatch(first); m != nil {
		c.Exit.Signal = m[1]
		c.Exit.Reason = c.Exit.Words()
	}
	return c
}
