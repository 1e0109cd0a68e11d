//go:build unix

package wrap

// PassedOn exports passedOn.
var PassedOn = passedOn

// A Socket receives the messages of a command.
type Socket struct{ n *notifySocket }

// ListenNotify listens at path, and calls heard with the status of each message.
func ListenNotify(path string, heard func(status string)) (Socket, error) {
	n, err := listenNotify(path, func(n notice) { heard(n.status) })
	return Socket{n}, err
}

// Settle returns when all messages so far are handled.
func (s Socket) Settle() { s.n.settle() }

// Close closes the socket.
func (s Socket) Close() { s.n.close() }
