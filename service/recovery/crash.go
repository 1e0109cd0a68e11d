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

// MaxCrash limits how much of a crash report is read, in bytes. A dump of all goroutines may
// have many megabytes.
const MaxCrash = 64 << 10

// A Crash is the report of the Go runtime when it ends a process because of a panic that
// nobody recovers, a fault, or a signal such as SIGABRT.
type Crash struct {
	Exit platform.Exit
	Text string // with the stacks, the first MaxCrash bytes
}

// ReadCrash returns the crash report of the last run in the file at path, or nil if there is
// none.
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

// CatchCrash makes the runtime write the crash report of this process to the file at path,
// too. It truncates the file. See [debug.SetCrashOutput].
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

// ForgetCrash undoes CatchCrash and removes the file.
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

// maxReason limits the length of the reason, which is the first line of a report, in bytes.
const maxReason = 400

// signalLine matches the first line that runtime.dieFromSignal writes when a signal ends the
// process: "SIGABRT: abort".
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
