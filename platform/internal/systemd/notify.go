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
	"github.com/holdfast-dev/holdfast/platform/internal/room"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// A Notifier reports the state of the service to the systemd that started this process, by
// sd_notify(3). It also has what that systemd told the process. It may be used by several
// goroutines; messages are sent in order.
type Notifier struct {
	address  string // of the socket; empty: nobody listens
	watchdog time.Duration
	direct   bool
	files    []*os.File

	mu       sync.Mutex
	socket   socket
	waiting  outbox
	caughtUp chan struct{} // closed when catchUp ends; nil if it does not run
	closed   bool
	givenUp  bool // waiting messages are dropped after Close
}

var _ platform.Notifier = (*Notifier)(nil)

// FromEnvironment reads what systemd passed to this process in environment variables and file
// descriptors, and removes it from the environment. A child process that is started with
// os/exec then gets none of NOTIFY_SOCKET, WATCHDOG_* and LISTEN_*, and inherits none of the
// descriptors. Call it once and early, before anything starts a child. Without systemd there
// is nothing to read, and the Notifier does nothing.
//
// A program that somebody starts by hand from within another systemd service inherits the
// NOTIFY_SOCKET of that service. systemd takes its messages for that service's if the unit has
// NotifyAccess=all or exec. Such a program cannot be distinguished from one that a forking
// wrapper starts.
//
// The Notifier is never nil, and works with what could be understood. The error says what
// could not.
func FromEnvironment() (*Notifier, error) {
	n := &Notifier{}
	pid := strconv.Itoa(os.Getpid())
	n.direct = os.Getenv("SYSTEMD_EXEC_PID") == pid
	err := errors.Join(
		n.readSocket(room.TakeEnv("NOTIFY_SOCKET")),
		n.readWatchdog(room.TakeEnv("WATCHDOG_USEC"), room.TakeEnv("WATCHDOG_PID"), pid),
		n.readFiles(room.TakeEnv("LISTEN_FDS"), room.TakeEnv("LISTEN_FDNAMES"), room.TakeEnv("LISTEN_PID"), pid),
	)
	room.TakeEnv("LISTEN_PIDFDID")
	return n, err
}

// Started reports whether systemd itself, and no process in between, executed this process. It
// does not change the environment, and must be called before FromEnvironment. systemd before
// 248 does not tell; then the parent has to be a systemd.
func Started() bool {
	if pid, ok := os.LookupEnv("SYSTEMD_EXEC_PID"); ok {
		return pid == strconv.Itoa(os.Getpid())
	}
	parent := strconv.Itoa(os.Getppid())
	return os.Getenv("NOTIFY_SOCKET") != "" && (parent == "1" || parent == os.Getenv("MANAGERPID"))
}

func (n *Notifier) readSocket(address string) error {
	switch {
	case address == "":
	case strings.HasPrefix(address, "/"), strings.HasPrefix(address, "@") && len(address) > 1:
		n.address = address
	case strings.HasPrefix(address, "vsock:"):
		return fmt.Errorf("NOTIFY_SOCKET=%q: a service manager outside this virtual machine: %w", address, platform.ErrUnsupported)
	default:
		return fmt.Errorf("NOTIFY_SOCKET=%q: neither a path nor an @abstract name: %w", address, platform.ErrUnsupported)
	}
	return nil
}

// readWatchdog follows sd_watchdog_enabled(3). If WATCHDOG_PID is not our PID, systemd watches
// a process between itself and us.
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

// Watchdog returns how long systemd waits for a sign of life (a Notice with Alive) before it
// kills the service, or 0 if it does not watch. Send the sign twice as often.
func (n *Notifier) Watchdog() time.Duration { return n.watchdog }

// Direct reports whether systemd itself, and no process in between, executed this process. It
// is false under systemd before 248, which does not tell.
func (n *Notifier) Direct() bool { return n.direct }

// Files returns the sockets and other descriptors that systemd opened for the service, in
// systemd's order, each with its name from the unit: see sd_listen_fds(3). The caller has to
// close them.
func (n *Notifier) Files() []*os.File { return n.files }

// Notify sends one datagram. It takes some microseconds and never blocks. While the receiver's
// queue is full, Notify keeps the messages and sends them as soon as there is room: every
// phase in order, and the latest of everything else. Only the first such call returns an
// error, which wraps platform.ErrTimeout. Any other error means that the message was lost.
// Notify does nothing for a phase that systemd has no word for, such as starting, or if no
// systemd listens.
func (n *Notifier) Notify(notice platform.Notice) error {
	if n.address == "" {
		return nil
	}
	now, _ := proc.Monotonic() // it cannot fail on Linux; 0 would only make the message too old
	m := message{notice, now}
	msg := m.bytes()
	if len(msg) == 0 {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("notify systemd: %w", os.ErrClosed)
	}
	if n.caughtUp != nil {
		n.waiting = n.waiting.add(m)
		return nil
	}
	err := n.socket.send(n.address, msg)
	if errors.Is(err, platform.ErrTimeout) {
		n.waiting = n.waiting.add(m)
		n.caughtUp = make(chan struct{})
		go n.catchUp()
		err = fmt.Errorf("it is notified when there is room: %w", err)
	}
	if err != nil {
		return fmt.Errorf("notify systemd at %q: %w", n.address, err)
	}
	return nil
}

// lastWait is how long Close waits for room. A busy systemd soon has some.
const lastWait = time.Second / 2

// Close waits up to half a second for room for the remaining messages, and closes the socket.
// The files stay open.
func (n *Notifier) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	n.closed = true
	caughtUp := n.caughtUp
	if caughtUp == nil {
		return n.socket.close()
	}
	n.mu.Unlock()
	limit := time.NewTimer(lastWait)
	defer limit.Stop()
	var err error
	select {
	case <-caughtUp:
	case <-limit.C:
		err = fmt.Errorf("notify systemd at %q: nobody reads: %w", n.address, platform.ErrTimeout)
	}
	n.mu.Lock()
	n.givenUp = true
	return err
}

// maxStatus keeps the message below 4096 bytes. systemd ignores a longer message completely,
// including its READY=1.
const maxStatus = 2048

// bytes returns the datagram, or nothing if there is nothing to say.
func (m message) bytes() []byte {
	var b []byte
	switch m.Phase {
	case platform.PhaseReady:
		b = append(b, "READY=1\n"...)
	case platform.PhaseReloading:
		// Without the time stamp a notify-reload service would stay in this state until the
		// timeout: see sd_notify(3).
		b = append(b, "RELOADING=1\nMONOTONIC_USEC="...)
		b = strconv.AppendInt(b, m.at.Microseconds(), 10)
		b = append(b, '\n')
	case platform.PhaseStopping:
		b = append(b, "STOPPING=1\n"...)
	}
	if m.Text != "" {
		b = append(b, "STATUS="...)
		b = append(b, status(m.Text)...)
		b = append(b, '\n')
	}
	if m.Extend > 0 {
		b = append(b, "EXTEND_TIMEOUT_USEC="...)
		b = strconv.AppendInt(b, max(1, m.Extend.Microseconds()), 10)
		b = append(b, '\n')
	}
	if m.Alive {
		b = append(b, "WATCHDOG=1\n"...)
	}
	return b
}

// status returns text as one valid line. A line break would begin another field of the
// message.
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
