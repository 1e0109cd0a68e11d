//go:build !unix

package metrics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
)

func listenUnix(_ context.Context, path string, _ fs.FileMode) (net.Listener, error) {
	return nil, fmt.Errorf("unix:%s: the mode of a socket protects nothing on this system: use 127.0.0.1:PORT: %w", path, errors.ErrUnsupported)
}
