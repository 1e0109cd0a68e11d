package bed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A capture collects the output of one command through a pipe. A buffer in [exec.Cmd] would
// wait for everybody who holds the pipe: a daemon started by `service x start` would block the
// test, and die of SIGPIPE when the test gives up. A file would block nobody, but scripts
// write to /dev/stderr, which truncates it.
type capture struct {
	w    *os.File // for the command
	r    *os.File
	text bytes.Buffer
	eof  bool
	done chan struct{} // closed when the reader has stopped and text and eof may be used
}

func newCapture() (*capture, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("capture output: %w", err)
	}
	c := &capture{w: w, r: r, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		_, err := io.Copy(&c.text, c.r)
		c.eof = !errors.Is(err, os.ErrDeadlineExceeded)
	}()
	return c, nil
}

// end returns everything written so far. It is called when the command has ended, and waits
// for nobody else. If somebody still holds the pipe, it is drained in the background until it
// is closed.
func (c *capture) end() string {
	_ = c.w.Close()
	_ = c.r.SetReadDeadline(time.Now()) // interrupts a Read that waits for a daemon
	<-c.done
	if !c.eof {
		c.remainder()
	}
	if c.eof {
		_ = c.r.Close()
		return c.text.String()
	}
	_ = c.r.SetReadDeadline(time.Time{})
	go func() {
		_, _ = io.Copy(io.Discard, c.r)
		_ = c.r.Close()
	}()
	return c.text.String()
}

// remainder reads what is in the pipe without blocking. After a deadline, Read returns no data
// even if there is some, hence the system call.
func (c *capture) remainder() {
	conn, err := c.r.SyscallConn()
	if err != nil {
		c.eof = true
		return
	}
	_ = c.r.SetReadDeadline(time.Time{})
	buf := make([]byte, 64<<10)
	_ = conn.Read(func(fd uintptr) bool {
		for {
			n, err := unix.Read(int(fd), buf)
			switch {
			case n > 0:
				c.text.Write(buf[:n])
			case errors.Is(err, unix.EINTR):
			case errors.Is(err, unix.EAGAIN):
				return true
			default:
				c.eof = true
				return true
			}
		}
	})
}
