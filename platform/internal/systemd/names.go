package systemd

import "github.com/holdfast-dev/holdfast/platform"

// checkName refuses an id that cannot be a unit, or whose directories belong to somebody else.
func checkName(id platform.ID) error { return platform.CheckID(id) }
