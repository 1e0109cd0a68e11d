//go:build !unix

package logsink

import (
	"errors"
	"fmt"
)

func dialSyslog(_, _, _ string) (destination, error) {
	return nil, fmt.Errorf("syslog: %w on this system", errors.ErrUnsupported)
}
