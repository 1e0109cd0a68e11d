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

// remember looks how the service ended the last time, and hands it a file to
// write down how it ends the next time. The file is not there at a first start:
// whoever starts it anew removes it.
func (s Spawn) remember() (*os.File, error) {
	if s.Ended == "" {
		return nil, nil
	}
	awaitSupervisor()
	// Without O_EXCL: nobody but root can put anything there.
	fd, err := syscall.Open(s.Ended, syscall.O_RDWR|syscall.O_NOFOLLOW, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// Not close-on-exec: the service inherits it, and takes care of that.
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
		code = -1 // it had no time for last words
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

// attentive is how long a supervise-daemon may take to be ready for us. On a busy
// machine that is seconds.
const attentive = 30 * time.Second

// awaitSupervisor returns when our parent, if it is a supervise-daemon, waits for
// signals, which it does in open(2) of a FIFO.
//
// supervise-daemon (read and measured: 0.56) looks after its child only when a
// signal interrupts that call. A signal that comes between fork and open, be it
// the SIGCHLD of a child that has ended at once or a SIGTERM, it does not act on
// before the next: it would wait for ever with a dead child.
func awaitSupervisor() {
	for begin := time.Now(); time.Since(begin) < attentive; time.Sleep(time.Millisecond) {
		if state, ok := superviseDaemon(os.Getppid()); !ok || state == 'S' {
			return
		}
	}
}

// superviseDaemon reports whether pid is a supervise-daemon, and its state, as proc(5)
// has it.
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

// dismissed is how long a supervise-daemon may take to stop us in its turn.
const dismissed = 10 * time.Second

// dismiss tells the supervise-daemon whose child we are to give up, and nobody
// else. It returns only if that one does not end us.
//
// supervise-daemon (measured: 0.56) overlooks the end of a child whose SIGCHLD it
// gets together with the SIGTERM, and then waits for that child through the whole
// of its stop schedule. So we stay until it has taken note and stops us.
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
