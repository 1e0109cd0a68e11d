package launchd

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/holdfast-dev/holdfast/platform"
)

// Exit codes of launchctl. Those below 107 come from <sys/errno.h>. The others are its own,
// and `launchctl error N` explains them.
const (
	codeNotPermitted = 1   // EPERM
	codeNoFile       = 2   // ENOENT
	codeNoProcess    = 3   // ESRCH: bootout of a service that is not loaded
	codeIO           = 5   // EIO: still being booted out, loaded already, or any error whose code only root gets
	codeExists       = 17  // EEXIST: loaded already
	codeInProgress   = 36  // EINPROGRESS: bootout is still in progress (osquery/osquery/issues/5698)
	codeAlready      = 37  // EALREADY: bootstrap during a bootout (Layr-Labs/d-inference/issues/1102), or of a loaded service
	codeUsage        = 64  // EX_USAGE: this launchctl does not know the command
	codeNoDomain     = 112 // could not find specified domain
	codeNoService    = 113 // could not find specified service
	codeDisabled     = 119 // service is disabled
	codeOwnership    = 122 // path had bad ownership/permissions
	codeTearingDown  = 124 // domain is tearing down
	codeNotInDomain  = 125 // domain does not support specified action
	codeBadSession   = 134 // service cannot load in requested session
	codeQuarantine   = 155 // refusing to execute/trust quarantined program/file
	codeNoNewDomain  = 156 // domain creation with that UID is not allowed anymore
	codeBackground   = 161 // service cannot be launched because of BTM policy (macadmins/nudge/issues/515)
)

// code returns the exit code behind err, or -1 if err is not that of a command.
func code(err error) int {
	if command, ok := errors.AsType[*platform.CommandError](err); ok {
		return command.Code
	}
	return -1
}

func isCode(err error, codes ...int) bool { return slices.Contains(codes, code(err)) }

// explain adds a sentinel error and advice to the error of launchctl. The names of the codes
// are those of `launchctl error N`; github.com/darlinghq/darling lists them in its
// xpc_strerror, up to 159. Codes that nothing here can cause get no sentinel, but general
// advice.
func explain(err error, target, file string) error {
	say := func(sentinel error, what string) error { return fmt.Errorf("%w: %w: %s", sentinel, err, what) }
	switch n := code(err); n {
	case -1:
		return err
	case codeNotPermitted, 13: // EACCES
		return say(platform.ErrPermission, "become root, or use --scope user")
	case codeNoFile:
		return say(platform.ErrNotInstalled, "install it again")
	case codeNoProcess, codeNoService:
		return say(platform.ErrNotRunning, "launchd has not loaded it: start it")
	case codeIO, codeExists, codeInProgress, codeAlready:
		return say(platform.ErrTimeout, "launchd keeps refusing: check whether `launchctl print "+target+
			"` still shows an old one, and whether `plutil -lint "+file+"` reports an error")
	case codeUsage:
		return say(platform.ErrUnsupported, "macOS 10.11 or later is needed")
	case codeNoDomain, codeTearingDown, codeNotInDomain, codeBadSession, codeNoNewDomain:
		return say(platform.ErrUnsupported, "there is no domain "+path.Dir(target)+": log in on the console, or install it for the system")
	case 107, 108, 109, 110, 111, 114, 115, 128, 140: // malformed, or an invalid user, group or label
		return say(platform.ErrBadUnit, "install it again, or check `plutil -lint "+file+"`")
	case codeDisabled:
		return say(platform.ErrPermission, "it was disabled: launchctl enable "+target+", or install it again")
	case 121, codeOwnership, 123: // not searched, bad ownership, reserved
		return badFile(err, file)
	case 144, 150, 154, 157: // entitlement, System Integrity Protection, platform binary, list of the system's services
		return say(platform.ErrPermission, "launchd reserves it for Apple: choose another name")
	case codeQuarantine:
		return say(platform.ErrPermission, "the program came from elsewhere and is in quarantine: xattr -d com.apple.quarantine PROGRAM")
	case codeBackground:
		return say(platform.ErrPermission, "allow it in System Settings, General, Login Items")
	case 116, 126, 136, 137, 138, 139, 142, 152, 158: // not implemented, no longer, not here, not on this hardware
		return say(platform.ErrUnsupported, "this version of macOS does not support that")
	default:
		return fmt.Errorf("%w: run `launchctl error %d`, and `log show --last 5m --predicate 'process == \"launchd\"'` as root", err, n)
	}
}

// badFile returns the error for a property list that launchd does not trust.
func badFile(err error, file string) error {
	return fmt.Errorf("%w: %w: the file and its directory must belong to root, or to the user whose service it is, and "+
		"must not be writable for others: install it again, or chown and chmod 644 %s", platform.ErrPermission, err, file)
}
