//go:build unix

package metrics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// connectWithin limits the test whether somebody listens at a socket.
const connectWithin = time.Second

// listenUnix creates the socket in a private directory, sets its mode, and then renames it to
// path. So nobody can connect before the mode is set, and path is replaced and never followed.
// An existing file at path must be a socket that nobody listens at, as a killed run leaves
// behind.
func listenUnix(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	if err := stale(ctx, path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".m") // 0700
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	l, err := new(net.ListenConfig).Listen(ctx, "unix", made)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // it gets another name
	}
	err = os.Chmod(made, mode)
	if err == nil {
		err = os.Rename(made, path)
	}
	var ours fs.FileInfo
	if err == nil {
		ours, err = os.Lstat(path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &named{Listener: l, path: path, ours: ours}, nil
}

// stale returns an error unless there is nothing at path, or a socket that nobody listens at.
func stale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there, and no socket: it is left alone", path)
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = c.Close()
		return fmt.Errorf("%s: %w", path, syscall.EADDRINUSE)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("whether somebody listens at %s is not known: %w", path, err)
}

// A named listener removes its socket when it is closed, if the file is still its own.
type named struct {
	net.Listener
	path string
	ours fs.FileInfo
	once sync.Once // a file that has the name afterwards belongs to somebody else
}

func (n *named) Close() error {
	n.once.Do(func() {
		if is, err := os.Lstat(n.path); err == nil && os.SameFile(is, n.ours) {
			_ = os.Remove(n.path)
		}
	})
	return n.Listener.Close()
}
