package scm

import (
	"errors"
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

// Windows error codes, from <winerror.h>.
const (
	errFileNotFound      = 2
	errPathNotFound      = 3
	errAccessDenied      = 5
	errInvalidParameter  = 87
	errInvalidLevel      = 124
	errBadExeFormat      = 193
	errDependentsRunning = 1051
	errRequestTimeout    = 1053
	errDatabaseLocked    = 1055
	errAlreadyRunning    = 1056
	errInvalidAccount    = 1057
	errDisabled          = 1058
	errDoesNotExist      = 1060
	errCannotAccept      = 1061
	errNotActive         = 1062
	errNotService        = 1063 // ERROR_FAILED_SERVICE_CONTROLLER_CONNECT
	errServiceSpecific   = 1066
	errProcessAborted    = 1067
	errDependencyFail    = 1068
	errLogonFailed       = 1069
	errMarkedForDelete   = 1072
	errExists            = 1073
	errDependencyDeleted = 1075
	errNeverStarted      = 1077
	errDuplicateName     = 1078
	errShutdown          = 1115
	errInvalidOwner      = 1307 // of a directory that is to belong to Administrators
)

// A CallError is a call that Windows refused. Programs should decide by Code.
type CallError struct {
	Call string // "StartService"
	Code uint32
	Err  error // with the system's message
}

func (e *CallError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s: error %d", e.Call, e.Code)
	}
	return fmt.Sprintf("%s: %v (%d)", e.Call, e.Err, e.Code)
}

// Unwrap returns the system's own error.
func (e *CallError) Unwrap() error { return e.Err }

// code returns the error code behind err, or 0 if err is not a CallError.
func code(err error) uint32 {
	if call, ok := errors.AsType[*CallError](err); ok {
		return call.Code
	}
	return 0
}

// meaning explains an error with which the SCM itself has ended a service, before the program
// could report anything.
func meaning(code uint32) string {
	switch code {
	case errAccessDenied:
		return "its account may not execute the program, or not enter its directory"
	case errFileNotFound, errPathNotFound:
		return "its program does not exist"
	case errBadExeFormat:
		return "its program is not for this machine"
	case errRequestTimeout:
		return "its process did not report within 30 s"
	case errNotService:
		return "its process is not a service, or did not report as one in time"
	case errInvalidAccount, errLogonFailed:
		return "its account cannot log on as a service: see `user`"
	case errDependencyFail, errDependencyDeleted:
		return "a service that it needs (after, requires) does not start, or does not exist"
	case errDisabled:
		return "it was disabled"
	}
	return "see `net helpmsg`"
}

// class returns the exit code of a command about a service that the SCM has ended in this way.
func class(code uint32) int {
	switch code {
	case errAccessDenied, errInvalidAccount, errLogonFailed, errDisabled:
		return platform.ExitNotPermitted
	case errFileNotFound, errPathNotFound, errBadExeFormat, errNotService:
		return platform.ExitBadConfig
	}
	return platform.ExitFailed
}

// explain adds a sentinel error and advice to the error of a refused call.
func explain(err error, name string) error {
	say := func(sentinel error, what string) error { return fmt.Errorf("%w: %w: %s", sentinel, err, what) }
	switch code(err) {
	case errAccessDenied, errInvalidOwner:
		return say(platform.ErrPermission, "run the command as an administrator, from an elevated prompt")
	case errDoesNotExist:
		return say(platform.ErrNotInstalled, "install it")
	case errNotActive:
		return say(platform.ErrNotRunning, "start it")
	case errDisabled:
		return say(platform.ErrPermission, "it was disabled: sc config "+name+" start= delayed-auto, or install it again")
	case errMarkedForDelete:
		return say(platform.ErrTimeout, "it is deleted when the last program that has it open closes it: close services.msc, the Task Manager and their like")
	case errRequestTimeout, errProcessAborted:
		return say(platform.ErrTimeout, "its process ended, or did not report within 30 s: run it by hand to see why")
	case errFileNotFound, errPathNotFound, errBadExeFormat:
		return say(platform.ErrBadUnit, "its program does not exist, or is not for this machine: install it again")
	case errLogonFailed, errInvalidAccount:
		return say(platform.ErrPermission, "its account cannot log on as a service: see `user`")
	case errDependencyFail, errDependencyDeleted:
		return say(platform.ErrNotRunning, "a service that it needs (after, requires) does not start, or does not exist: sc qc "+name)
	case errCannotAccept:
		return say(platform.ErrTimeout, "it accepts no controls now: try again when it is ready")
	case errDatabaseLocked:
		return say(platform.ErrTimeout, "another program has locked the SCM's database")
	case errDuplicateName:
		return say(platform.ErrBadUnit, "another service has this name or display name: choose another display_name")
	case errDependentsRunning:
		return fmt.Errorf("%w: other services that need it are running: stop them first", err)
	case errShutdown:
		return fmt.Errorf("%w: the machine is shutting down", err)
	case errInvalidLevel:
		return say(platform.ErrUnsupported, "this version of Windows does not know that setting")
	}
	return err
}
