package platform

import "errors"

// The sentinel errors, for errors.Is. The error that wraps one of them names the operation and
// the object. Its text is for people.
var (
	ErrNotInstalled = errors.New("service is not installed")
	ErrNotRunning   = errors.New("service is not running")
	ErrBadUnit      = errors.New("cannot be expressed in a service definition")
	ErrNoManager    = errors.New("no supported service manager runs on this machine")
	ErrPermission   = errors.New("not permitted")
	ErrTimeout      = errors.New("took too long")
	ErrRejected     = errors.New("the service rejected its new configuration")
	ErrUnsupported  = errors.New("not supported by this service manager")
)
