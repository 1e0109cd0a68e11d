package native

import (
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/posix"
)

// Host listens to whatever started this process, from the moment it returns.
func Host() (platform.Host, error) { return posix.Listen(posix.Options{}), nil }
