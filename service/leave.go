package service

import (
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
)

// ErrBringBack is what [Run] returns in place of nil where the manager restarts
// after failures only and is asked to restart always: launchd.
var ErrBringBack = errors.New("ended in order, and is to be brought back")

// leaveWith is the exit code of a process that got err from [Run] and for which
// that means code. They differ only where the manager that started the process
// understands exit codes in its own way: launchd takes everything but 0 for a
// reason to restart, so what must not lead to a restart leaves with 0.
func leaveWith(err error, code int) int {
	var t translated
	if !errors.As(err, &t) {
		return code
	}
	if errors.Is(err, ErrBringBack) {
		code = platform.ExitOK
	}
	return t.host.ExitCode(code)
}

// translated is an error of Run under a manager with its own understanding.
type translated struct {
	error
	host platform.ExitCoder
}

func (t translated) Unwrap() error { return t.error }

// inTerms has err lead to the exit code that h wants for it.
func inTerms(h platform.ExitCoder, err error) error {
	switch {
	case err != nil:
		return translated{err, h}
	case h.ExitCode(platform.ExitOK) != platform.ExitOK:
		return translated{logged{ErrBringBack}, h}
	}
	return nil
}
