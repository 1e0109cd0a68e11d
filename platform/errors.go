package platform

import "errors"

// What can be wrong, for errors.Is. The text of an error is for people; the
// error that wraps one of these names the operation and the object.
var (
	ErrNotInstalled = errors.New("service is not installed")
	ErrNotRunning   = errors.New("service is not running")
	ErrBadUnit      = errors.New("cannot be said in a service definition")
	ErrNoManager    = errors.New("no supported service manager runs this machine")
	ErrPermission   = errors.New("not permitted")
	ErrTimeout      = errors.New("took too long")
	ErrRejected     = errors.New("the service rejected its new configuration")
	ErrUnsupported  = errors.New("not supported by this service manager")
)
