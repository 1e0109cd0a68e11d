package service

import (
	"errors"

	"github.com/holdfast-dev/holdfast/platform"
)

// ErrBringBack is returned by [Run] instead of nil if the service is to be restarted always
// but its manager restarts it only after failures. That manager is launchd.
var ErrBringBack = errors.New("ended in order, to be restarted")

// leaveWith returns the exit code of a process whose [Run] returned err. It is code, unless
// the manager that started the process interprets exit codes in its own way. launchd takes
// every code but 0 as a reason to restart, so an error that must not lead to a restart becomes
// 0.
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

// A translated error carries the manager's own interpretation of exit codes.
type translated struct {
	error
	host platform.ExitCoder
}

func (t translated) Unwrap() error { return t.error }

// inTerms makes err lead to the exit code that h needs for it.
func inTerms(h platform.ExitCoder, err error) error {
	switch {
	case err != nil:
		return translated{err, h}
	case h.ExitCode(platform.ExitOK) != platform.ExitOK:
		return translated{logged{ErrBringBack}, h}
	}
	return nil
}
