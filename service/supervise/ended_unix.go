//go:build unix

package supervise

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// remember reads how the service ended the last time. It returns the open file in which the
// service writes how it ends the next time. The file does not exist at a first start, because
// whoever starts the service afresh removes it.
func (s Spawn) remember() (*os.File, error) {
	if s.Ended == "" {
		return nil, nil
	}
	awaitSupervisor()
	// O_EXCL is not needed: only root can write to this directory.
	fd, err := syscall.Open(s.Ended, syscall.O_RDWR|syscall.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Not close-on-exec: the service inherits the file and sets that flag itself.
		fd, err = syscall.Open(s.Ended, syscall.O_RDWR|syscall.O_CREAT|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", s.Ended, err)
		}
		return os.NewFile(uintptr(fd), s.Ended), nil
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", s.Ended, err)
	}
	f := os.NewFile(uintptr(fd), s.Ended)
	content, err := io.ReadAll(io.LimitReader(f, 16))
	if err != nil {
		return nil, err
	}
	code, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		code = -1 // it ended before it could write its exit code
	}
	if !s.Restart.Follows(code) {
		return nil, errors.Join(&ForGoodError{code}, dismiss())
	}
	if err := f.Truncate(0); err != nil {
		return nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// attentive limits the wait until a supervise-daemon is ready for us. On a busy machine this
// takes seconds.
const attentive = 30 * time.Second

// awaitSupervisor returns when our parent waits for signals, if that parent is a
// supervise-daemon. It waits for them in open(2) of a FIFO.
//
// supervise-daemon (read and measured: 0.56) looks after its child only when a signal
// interrupts that call. It does not act on a signal that comes between fork and open, be it
// the SIGCHLD of a child that ended at once or a SIGTERM, until the next signal comes. So it
// would wait for a dead child for ever.
func awaitSupervisor() {
	for begin := time.Now(); time.Since(begin) < attentive; time.Sleep(time.Millisecond) {
		if state, ok := superviseDaemon(os.Getppid()); !ok || state == 'S' {
			return
		}
	}
}

// superviseDaemon reports whether pid is a supervise-daemon, and returns its state as a letter
// of proc(5).
func superviseDaemon(pid int) (state byte, ok bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(stat), " (supervise-daemo) ") // the kernel keeps 15 letters
	if !ok || rest == "" {
		return 0, false
	}
	return rest[0], true
}

// dismissed limits the wait until a supervise-daemon stops us in turn.
const dismissed = 10 * time.Second

// dismiss tells our parent to give up, if it is a supervise-daemon. It returns only if the
// parent does not end us.
//
// supervise-daemon (measured: 0.56) overlooks the end of a child if SIGCHLD and SIGTERM arrive
// together. It then waits for that child until its stop schedule is over. So we stay until it
// has noticed the SIGTERM and stops us.
func dismiss() error {
	parent := os.Getppid()
	if _, ok := superviseDaemon(parent); !ok {
		return fmt.Errorf("process %d: %w", parent, errNotSupervised)
	}
	signal.Reset(syscall.SIGTERM)
	if err := syscall.Kill(parent, syscall.SIGTERM); err != nil {
		return err
	}
	time.Sleep(dismissed)
	return nil
}
