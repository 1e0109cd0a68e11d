package systemd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/holdfast-dev/holdfast/platform"
)

// Notifier tells the systemd that started this process where the service
// stands, sd_notify(3), and knows what else that systemd told us. It may be
// used by several goroutines; their messages do not overtake one another.
type Notifier struct {
	address  string // of the socket; empty: nobody asked to be told
	watchdog time.Duration
	direct   bool
	files    []*os.File

	mu     sync.Mutex
	socket socket
	closed bool
}

var _ platform.Notifier = (*Notifier)(nil)

// FromEnvironment reads what systemd handed to this process in environment
// variables and file descriptors, and removes it from the environment: a child
// that is started with os/exec gets neither NOTIFY_SOCKET, WATCHDOG_* nor
// LISTEN_*, and inherits none of the descriptors. Call it once, early, before
// anything starts a child. Without systemd there is nothing to read, and all that
// the Notifier does is nothing.
//
// The Notifier is never nil and works with what it understood; the error tells
// what it did not.
func FromEnvironment() (*Notifier, error) {
	n := &Notifier{}
	pid := strconv.Itoa(os.Getpid())
	n.direct = os.Getenv("SYSTEMD_EXEC_PID") == pid
	err := errors.Join(
		n.readSocket(take("NOTIFY_SOCKET")),
		n.readWatchdog(take("WATCHDOG_USEC"), take("WATCHDOG_PID"), pid),
		n.readFiles(take("LISTEN_FDS"), take("LISTEN_FDNAMES"), take("LISTEN_PID"), pid),
	)
	take("LISTEN_PIDFDID")
	return n, err
}

// take reads a variable and removes it.
func take(name string) string {
	value, ok := os.LookupEnv(name)
	if ok {
		_ = os.Unsetenv(name) // fails for impossible names only
	}
	return value
}

func (n *Notifier) readSocket(address string) error {
	switch {
	case address == "":
	case strings.HasPrefix(address, "/"), strings.HasPrefix(address, "@") && len(address) > 1:
		n.address = address
	case strings.HasPrefix(address, "vsock:"):
		return fmt.Errorf("NOTIFY_SOCKET=%q: a service manager outside of this virtual machine: %w", address, platform.ErrUnsupported)
	default:
		return fmt.Errorf("NOTIFY_SOCKET=%q: neither a path nor an @abstract name: %w", address, platform.ErrUnsupported)
	}
	return nil
}

// readWatchdog follows sd_watchdog_enabled(3): a WATCHDOG_PID that is not ours
// means that somebody between systemd and us is watched.
func (n *Notifier) readWatchdog(usec, pid, self string) error {
	if usec == "" || pid != "" && pid != self {
		return nil
	}
	us, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || us <= 0 || us > int64(1<<63-1)/int64(time.Microsecond) {
		return fmt.Errorf("WATCHDOG_USEC=%q: not a number of microseconds", usec)
	}
	n.watchdog = time.Duration(us) * time.Microsecond
	return nil
}

// Watchdog is how long systemd waits for a sign of life (a Notice with Alive)
// before it kills the service; 0 if it does not watch. Feed it twice as often.
func (n *Notifier) Watchdog() time.Duration { return n.watchdog }

// Direct tells whether systemd itself executed this process, and nobody in
// between. It is false under systemd before 248, which does not tell.
func (n *Notifier) Direct() bool { return n.direct }

// Files are the sockets and other descriptors that systemd opened for the
// service, sd_listen_fds(3), in its order, each with the name that the unit gave it. They are
// the caller's to close.
func (n *Notifier) Files() []*os.File { return n.files }

// Notify sends one datagram. It takes some microseconds; while the receiver's
// queue is full it waits for room, 10 ms (40 ms if signals interrupt it), then
// the error wraps platform.ErrTimeout.
// A phase that systemd has no word for (starting, for one) is left out, as is
// everything where no systemd listens.
func (n *Notifier) Notify(notice platform.Notice) error {
	if n.address == "" {
		return nil
	}
	msg := message(notice, monotonic)
	if len(msg) == 0 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("notify systemd: %w", os.ErrClosed)
	}
	if err := n.socket.send(n.address, msg); err != nil {
		return fmt.Errorf("notify systemd at %q: %w", n.address, err)
	}
	return nil
}

// Close closes the socket; the files stay open.
func (n *Notifier) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	return n.socket.close()
}

// maxStatus keeps the whole message below the 4096 bytes that systemd accepts:
// it ignores a longer one as a whole, with its READY=1.
const maxStatus = 2048

// message is the datagram for n; empty if there is nothing to say.
func message(n platform.Notice, now func() time.Duration) []byte {
	var b []byte
	switch n.Phase {
	case platform.PhaseReady:
		b = append(b, "READY=1\n"...)
	case platform.PhaseReloading:
		// Without the stamp a notify-reload service would stay in this state until
		// the timeout, sd_notify(3).
		b = append(b, "RELOADING=1\nMONOTONIC_USEC="...)
		b = strconv.AppendInt(b, now().Microseconds(), 10)
		b = append(b, '\n')
	case platform.PhaseStopping:
		b = append(b, "STOPPING=1\n"...)
	}
	if n.Text != "" {
		b = append(b, "STATUS="...)
		b = append(b, status(n.Text)...)
		b = append(b, '\n')
	}
	if n.Extend > 0 {
		b = append(b, "EXTEND_TIMEOUT_USEC="...)
		b = strconv.AppendInt(b, max(1, n.Extend.Microseconds()), 10)
		b = append(b, '\n')
	}
	if n.Alive {
		b = append(b, "WATCHDOG=1\n"...)
	}
	return b
}

// status is text as one valid line: a line break in it would begin another
// field of the message.
func status(text string) string {
	text = strings.Map(func(r rune) rune {
		if isControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) > maxStatus {
		end := maxStatus
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return text
}
