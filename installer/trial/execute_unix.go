//go:build unix

package trial

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// execute replaces this process by the candidate.
func (o Options) execute(r Record, env []string) (Begun, error) {
	text, err := r.mark().text()
	if err != nil {
		return Begun{}, over("%w", err)
	}
	return Begun{}, r.become(append(env, Variable+"="+text), o.Own)
}

// become opens the candidate once, checks it, and executes what it has opened.
func (r Record) become(env []string, own bool) error {
	fd, err := unix.Open(r.Candidate, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return over("open %s: %w", r.Candidate, err)
	}
	f := os.NewFile(uintptr(fd), r.Candidate)
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return over("%w", err)
	}
	device, inode, _ := Place(info)
	switch {
	case !info.Mode().IsRegular():
		return over("%s is not a regular file", r.Candidate)
	case device != r.Device || inode != r.Inode || info.Size() != r.Size:
		return over("%s is not the file that was verified", r.Candidate)
	}
	if err := files.Owned(r.Candidate, info, own); err != nil {
		return over("%w", err)
	}
	return over("execute %s: %w", r.Candidate, become(f, env))
}

// exec executes path in this process. A reload must not kill the new program before it handles
// SIGHUP, so SIGHUP is ignored until then, as `spawn` does. So is SIGIO: one that internal/watch
// has asked for may be on its way.
func exec(path string, env []string) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGIO)
	return syscall.Exec(path, os.Args, env)
}

// keptFile is a descriptor that the manager provided, with a copy of ours: the candidate
// closes the original.
type keptFile struct {
	number, copy int
	ended        bool // what is written to it is the candidate's: see native.EndedVariable
}

// keptFrom is the lowest number of such a copy.
const keptFrom = 512

// keepFiles copies the manager's descriptors for the confirmed version.
func keepFiles() []keptFile {
	var kept []keptFile
	keep := func(fd int, ended bool) {
		for _, least := range []int{keptFrom, 10} { // the limit may be low
			if c, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, least); err == nil {
				kept = append(kept, keptFile{fd, c, ended})
				return
			}
		}
	}
	const first = 3 // sd_listen_fds(3)
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	if pid, err := strconv.Atoi(os.Getenv("LISTEN_PID")); err != nil || pid != os.Getpid() {
		n = 0
	}
	for fd := first; fd < first+min(n, keptFrom/2); fd++ {
		keep(fd, false)
	}
	if fd, err := strconv.Atoi(os.Getenv(native.EndedVariable)); err == nil && fd >= first {
		keep(fd, true)
	}
	return kept
}

func closeCopies(kept []keptFile) {
	for _, k := range kept {
		_ = unix.Close(k.copy)
	}
}

// relayed returns no host: here the manager of the confirmed version is also that of the
// candidate.
func (mark) relayed() (platform.Host, error) { return nil, nil }

func (t *Trial) giveWay() error {
	for _, k := range t.kept {
		if k.ended {
			_ = unix.Ftruncate(k.copy, 0)
			_, _ = unix.Seek(k.copy, 0, 0)
		}
		if err := unix.Dup2(k.copy, k.number); err != nil { // not close-on-exec
			return err
		}
	}
	return exec(t.Stable(), t.env)
}
