//go:build unix

package wrap

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// mostNotice is the longest message that systemd takes, and so do we.
const mostNotice = 4096

// notifySocket is where the command says how it is.
type notifySocket struct {
	conn *net.UnixConn
	path string
	done sync.WaitGroup
}

// listenNotify opens the socket at path, for this user alone, and has heard be called for each
// message, by one goroutine.
func listenNotify(path string, heard func(notice)) (*notifySocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // of a run that was killed
		return nil, err
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("socket for sd_notify: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = conn.Close()
		return nil, err
	}
	n := &notifySocket{conn: conn, path: path}
	n.done.Go(func() {
		text, attached := make([]byte, mostNotice+1), make([]byte, 4096)
		for {
			size, more, _, _, err := conn.ReadMsgUnix(text, attached)
			if err != nil {
				return
			}
			closeAttached(attached[:more])
			if size <= mostNotice {
				heard(parseNotice(string(text[:size])))
			}
		}
	})
	return n, nil
}

// closeAttached closes descriptors that came with a message: those of FDSTORE=1, which is
// refused, and those of BARRIER=1, whose sender waits for just that.
func closeAttached(b []byte) {
	messages, err := syscall.ParseSocketControlMessage(b)
	if err != nil {
		return
	}
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil {
			for _, fd := range fds {
				_ = syscall.Close(fd)
			}
		}
	}
}

func (n *notifySocket) close() {
	_ = n.conn.Close()
	n.done.Wait()
	_ = os.Remove(n.path)
}
