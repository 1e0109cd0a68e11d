package proc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// queries limits the attempts to identify a process for which /proc and kill(2) disagree. They
// disagree for a moment while a thread other than the first one executes a program, and
// permanently if the process is hidden from us.
const queries = 20

func identify(pid int) (Identity, error) {
	here, unknown := surroundings()
	id, err := beside(pid, here, pid != os.Getpid()) // we have seen our own boot id
	if err = cmp.Or(err, unknown); err != nil {
		return Identity{}, err
	}
	// We may not read another user's image. That is not an error.
	if exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); err == nil {
		id.Exe = strings.TrimSuffix(exe, " (deleted)")
	}
	return id, nil
}

// beside is identify for a caller that knows the surroundings, without the image. If asks is
// set, it reads the boot id that the process itself sees. Otherwise it assumes that this is
// ours.
func beside(pid int, here Identity, asks bool) (id Identity, err error) {
	for range queries {
		id, err = query(pid, here, asks)
		if !errors.Is(err, errReleased) && !errors.Is(err, errHidden) {
			break
		}
		runtime.Gosched()
	}
	if errors.Is(err, errReleased) {
		err = ErrGone
	}
	return id, err
}

func query(pid int, id Identity, asks bool) (Identity, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := statOf(pid)
	if err != nil {
		return Identity{}, absent(pid, err)
	}
	switch stat.life {
	case zombie:
		return Identity{}, ErrGone
	case released:
		return Identity{}, errReleased
	case lives:
	}
	id.PID, id.Start = pid, stat.Start
	// A container may show a boot id of its own. A service in it with ProtectProc= of systemd
	// 252 sees the kernel's. The boot id that counts is the one that the process itself sees
	// and writes down.
	if !asks {
		return id, nil
	}
	if boot, err := readFile(dir + "/root" + bootID); err == nil {
		id.Boot = string(bytes.TrimSpace(boot))
	}
	return id, nil
}

// unreaped reports whether id has ended, but process 1 has not reaped it yet.
func unreaped(id Identity) bool {
	stat, err := statOf(id.PID)
	return err == nil && stat.life == zombie && stat.Start == id.Start && stat.Parent == 1
}

const bootID = "/proc/sys/kernel/random/boot_id"

// surroundings returns what all visible processes have in common. It does not change while this
// process lives, so only the first call asks the system, unless that fails.
func surroundings() (Identity, error) {
	here, err := around()
	if err != nil {
		return askSurroundings()
	}
	return here, nil
}

var around = sync.OnceValues(askSurroundings)

func askSurroundings() (Identity, error) {
	boot, err := readFile(bootID)
	if err != nil {
		return Identity{}, fmt.Errorf("boot id: %w", cmp.Or(noProc(), err))
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return Identity{}, fmt.Errorf("pid namespace: %w", err)
	}
	return Identity{Boot: string(bytes.TrimSpace(boot)), Space: space}, nil
}

// readFile reads a file that the kernel returns with a single read, as it does for the files
// of /proc that are read here. Package os would offer the file to the poller and ask for its
// size: ten more system calls, two thirds of the time. O_NONBLOCK is set because the root
// directory of another process may have a FIFO in its place.
func readFile(path string) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = syscall.Close(fd) }()
	// Enough for a stat(5) whose 50 numbers have 20 digits. A page would make the stack grow.
	var buf [1536]byte
	n, err := syscall.Read(fd, buf[:])
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return bytes.Clone(buf[:n]), nil
}

var (
	errHidden   = errors.New("it is hidden from this process")
	errReleased = errors.New("the kernel has released its entry")
)

// absent distinguishes a dead process from a hidden one. If /proc is mounted with hidepid,
// only kill(2) knows. Only ESRCH means dead.
func absent(pid int, err error) error {
	if err := noProc(); err != nil {
		return err
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if kill := syscall.Kill(pid, 0); errors.Is(kill, syscall.ESRCH) {
		return ErrGone
	}
	return fmt.Errorf("%w: %w", errHidden, fs.ErrPermission)
}

// noProc returns ErrNoProc if /proc is not mounted.
func noProc() error {
	if _, err := os.Lstat("/proc/self"); errors.Is(err, fs.ErrNotExist) {
		return ErrNoProc
	}
	return nil
}

// owner uses the owner of /proc/PID. That is the effective user, or root for a process that is
// not dumpable: see proc(5). So a set-uid program is never attributed to its caller.
func owner(pid int) (string, error) {
	info, err := os.Stat("/proc/" + strconv.Itoa(pid))
	if err != nil {
		return "", absent(pid, err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return strconv.Itoa(int(st.Uid)), nil
}
