package bed

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// write replaces the file at name by src, by a rename.
func (m *machine) write(name string, src io.Reader, mode fs.FileMode) error {
	root, err := m.openRoot()
	if err != nil {
		return err
	}
	defer root.Close()
	name = path.Clean("/" + name)
	dir, err := openDir(root, path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	tmp := ".bed-" + rand.Text()
	// A child that is forked meanwhile has the file open until its exec. While a process has it open for writing, nobody
	// can execute it: "text file busy" (golang.org/issue/22315).
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Openat(int(dir.Fd()), tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("create in %s: %w", path.Dir(name), err)
	}
	file := os.NewFile(uintptr(fd), name)
	_, err = io.Copy(file, src)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = unix.Renameat(int(dir.Fd()), tmp, int(dir.Fd()), path.Base(name))
	}
	if err != nil {
		return errors.Join(err, unix.Unlinkat(int(dir.Fd()), tmp, 0))
	}
	return nil
}

func (m *machine) read(name string) ([]byte, error) {
	root, err := m.openRoot()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := openIn(root, name, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// openRoot opens the root directory as the bed's init sees it, with all mounts.
func (m *machine) openRoot() (*os.File, error) {
	pid := m.leader()
	if pid == 0 {
		return nil, ErrOff
	}
	return os.Open("/proc/" + strconv.Itoa(pid) + "/root/")
}

// openIn opens a path of the bed. RESOLVE_IN_ROOT makes this safe: with a plain
// /proc/PID/root/… path, an absolute link (/var/run -> /run) would lead to the host's
// directory. os.Root would refuse such links.
func openIn(root *os.File, name string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(root.Fd()), name, &how)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// openDir opens a directory. It makes the directory and its parents if they are missing.
func openDir(root *os.File, name string) (*os.File, error) {
	dir, err := openIn(root, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	parent, err := openDir(root, path.Dir(name))
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if err := unix.Mkdirat(int(parent.Fd()), path.Base(name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	dir, err = openIn(root, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	return dir, dir.Chmod(0o755) // independent of the test's umask
}
