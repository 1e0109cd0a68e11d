//go:build unix

package wrap

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// mostNotice is the size of the longest message, as for systemd.
const mostNotice = 4096

// A notifySocket receives the messages of the command.
type notifySocket struct {
	conn    *net.UnixConn
	path    string
	settled chan struct{} // has a token when a message of settle has been handled
	over    chan struct{} // closed when no more messages are handled
}

// ours is the message of settle.
const ours = "HOLDFAST_WRAP_SETTLED=1"

// listenNotify opens the socket at path, for this user alone. One goroutine calls heard for each
// message.
func listenNotify(path string, heard func(notice)) (*notifySocket, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // left by a run that was killed
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
	n := &notifySocket{conn: conn, path: path, settled: make(chan struct{}, 1), over: make(chan struct{})}
	go func() {
		defer close(n.over)
		text, attached := make([]byte, mostNotice+1), make([]byte, 4096)
		for {
			size, more, _, _, err := conn.ReadMsgUnix(text, attached)
			if err != nil {
				return
			}
			files := filesIn(attached[:more])
			var said notice
			if size <= mostNotice {
				said = parseNotice(string(text[:size]))
			}
			switch {
			case said.store && !canStore:
				said.store, said.refused = false, append(said.refused, "FDSTORE=1")
			case said.store && !said.forget:
				said.files, files = files, nil
			}
			closeAll(files) // the sender of BARRIER=1 waits for this
			heard(said)
			if string(text[:size]) == ours {
				select {
				case n.settled <- struct{}{}:
				default: // nobody waits for it, because the command has sent it
				}
			}
		}
	}()
	return n, nil
}

// filesIn returns the descriptors that came with a message. Package net has made them close-on-exec.
func filesIn(control []byte) (files []int) {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		if fds, err := syscall.ParseUnixRights(&m); err == nil {
			files = append(files, fds...)
		}
	}
	return files
}

func closeAll(files []int) {
	for _, fd := range files {
		_ = syscall.Close(fd)
	}
}

// settle returns when all messages that were sent before it are handled. A command may send one and
// end at once.
func (n *notifySocket) settle() {
	select {
	case <-n.settled: // of a message that the command has forged
	default:
	}
	if _, err := n.conn.WriteTo([]byte(ours), n.conn.LocalAddr()); err != nil {
		return
	}
	select {
	case <-n.settled:
	case <-n.over:
	}
}

func (n *notifySocket) close() {
	_ = n.conn.Close()
	<-n.over
	_ = os.Remove(n.path)
}
