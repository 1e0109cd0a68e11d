package launchd

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// Exit codes of launchctl: those below 107 are of <sys/errno.h>, the others its
// own, `launchctl error N` explains them.
const (
	codeNotPermitted = 1   // EPERM
	codeNoProcess    = 3   // ESRCH: a bootout of what is not loaded
	codeIO           = 5   // EIO: still being booted out, loaded already, or anything else
	codeExists       = 17  // EEXIST: loaded already
	codeInProgress   = 36  // EINPROGRESS: a bootout that takes its time
	codeAlready      = 37  // EALREADY: a bootstrap into a bootout (Layr-Labs/d-inference/issues/1102)
	codeUsage        = 64  // EX_USAGE: this launchctl does not know the command
	codeNoDomain     = 112 // could not find specified domain
	codeNoService    = 113 // could not find specified service
	codeDisabled     = 119 // service is disabled
	codeOwnership    = 122 // path had bad ownership/permissions
	codeNotInDomain  = 125 // domain does not support specified action
	codeBadSession   = 134 // service cannot load in requested session
)

// code is the exit code behind err, -1 if it is not that of a command.
func code(err error) int {
	if command, ok := errors.AsType[*platform.CommandError](err); ok {
		return command.Code
	}
	return -1
}

func isCode(err error, codes ...int) bool { return slices.Contains(codes, code(err)) }

// explain gives a failed launchctl its sentinel and says what to do.
func explain(err error, target, file string) error {
	say := func(sentinel error, what string) error { return fmt.Errorf("%w: %w: %s", sentinel, err, what) }
	switch code(err) {
	case codeNotPermitted, 13: // EACCES
		return say(platform.ErrPermission, "become root, or say --scope user")
	case codeNoProcess, codeNoService:
		return say(platform.ErrNotRunning, "launchd has not loaded it: start it")
	case codeIO, codeExists, codeInProgress, codeAlready:
		return say(platform.ErrTimeout, "launchd goes on refusing: see whether `launchctl print "+target+
			"` still knows an old one, and whether `plutil -lint "+file+"` finds fault")
	case codeUsage:
		return say(platform.ErrUnsupported, "macOS 10.11 or later is needed")
	case codeNoDomain, codeNotInDomain, codeBadSession:
		return say(platform.ErrUnsupported, "there is no domain "+path.Dir(target)+": log in at the screen, or install it for the system")
	case 107, 108, 109, 110, 111, 114, 115, 140: // malformed, or a user, group or label that cannot be
		return say(platform.ErrBadUnit, "install it again, or see `plutil -lint "+file+"`")
	case codeDisabled:
		return say(platform.ErrPermission, "it was disabled: launchctl enable "+target+", or install it again")
	case codeOwnership:
		return say(platform.ErrPermission, "the file and its directory must belong to root, or to the user whose service it is, and be "+
			"writable for nobody else: install it again, or chown and chmod 644 "+file)
	case 150: // operation not permitted while System Integrity Protection is engaged
		return say(platform.ErrPermission, "System Integrity Protection keeps it: choose another name")
	}
	return err
}
