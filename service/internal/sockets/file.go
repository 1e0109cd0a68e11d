package sockets

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
)

// ListenAtFile listens at a unix socket whose file has that mode from the first moment. A
// file that a killed process has left there is replaced; a socket at which somebody listens,
// and anything else, is left alone. Close of the listener removes the file, unless something
// else has come into its place.
func ListenAtFile(ctx context.Context, path string, mode fs.FileMode) (net.Listener, error) {
	x := &socket{
		Socket: platform.Socket{Mode: strconv.FormatUint(uint64(mode.Perm()), 8)},
		at:     platform.SocketAddress{Network: "unix", Path: path},
	}
	if err := x.listen(ctx); err != nil {
		return nil, inUse(x.at, err)
	}
	return &fileListener{Listener: x.stream, file: x.bound}, nil
}

// A fileListener removes its file when it is closed.
type fileListener struct {
	net.Listener
	file boundFile
	once sync.Once
}

func (l *fileListener) Close() error {
	l.once.Do(l.file.remove)
	return l.Listener.Close()
}

// A boundFile is the file of an open unix socket. The zero value is none.
type boundFile struct {
	path string
	info fs.FileInfo
}

func newBoundFile(path string) boundFile {
	info, err := os.Lstat(path)
	if path == "" || err != nil {
		return boundFile{}
	}
	return boundFile{path, info}
}

// remove removes the file, if it is still that of the socket.
func (f boundFile) remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && same(now, f.info) {
		_ = os.Remove(f.path)
	}
}

// same reports whether a and b are the same file. A new file may get the inode of one that was
// removed, but not its time.
func same(a, b fs.FileInfo) bool { return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) }

// makeWay removes the file of a socket at which nobody listens.
func makeWay(ctx context.Context, file string) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&os.ModeSocket == 0:
		return fmt.Errorf("%s exists and is not a socket: it is kept: remove it, or use another path", file)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", file)
	switch {
	case err == nil:
		_ = conn.Close()
		return errInUse
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, errRefused) && bound(ctx, file): // somebody is about to listen there
		return errInUse
	case errors.Is(err, errRefused):
		return removeStale(file, info)
	case errors.Is(err, errFull), errors.Is(err, errKind):
		return errInUse
	}
	return fmt.Errorf("whether somebody listens there: %w", err)
}

// bound reports whether a living socket has the file, even if it does not listen. The kernel finds
// that socket before it compares its kind with ours: unix_find_bsd of Linux, unp_connectat of
// FreeBSD. The names in /proc/net/unix do not tell: anybody can have bound a socket to a file of
// that name, in another directory that he calls the same.
func bound(ctx context.Context, file string) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unixgram", file)
	if err != nil {
		return errors.Is(err, errKind)
	}
	_ = conn.Close()
	return true
}

// removeStale removes a file that was examined as info. Another process may have replaced it
// since, by a socket at which it listens: so the file is moved away and looked at again.
func removeStale(file string, info fs.FileInfo) error {
	dir, err := os.MkdirTemp(filepath.Dir(file), ".s")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	aside := filepath.Join(dir, "s")
	if err := os.Rename(file, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if is, err := os.Lstat(aside); err == nil && same(is, info) {
		return nil
	}
	return errors.Join(errInUse, os.Link(aside, file)) // not over what has come there meanwhile
}
