//go:build unix

package metrics

import (
	"context"
	"io/fs"
	"net"

	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	return sockets.ListenAtFile(ctx, path, mode)
}
