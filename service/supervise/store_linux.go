package supervise

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mostKept limits the descriptors that are kept. It is the number that one message to the next
// supervisor can have, SCM_MAX_FD of the kernel.
const mostKept = 253

// attachments returns room for everything that may accompany a message: its sender and
// descriptors.
func attachments() []byte {
	return make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*mostKept))
}

// A store keeps descriptors for the next child, with the protocol of systemd: sd_notify(3). It
// ignores all other messages of a child.
type store struct {
	conn    *net.UnixConn
	settled chan struct{}
	over    chan struct{} // closed when nobody reads any more

	mu   sync.Mutex
	pid  int // of the child; messages of all others are ignored
	kept []*os.File
}

// storeAddress returns the address of the store of a supervisor, unless another process has
// taken that address first.
func storeAddress(pid int) string { return "@holdfast-supervisor-" + strconv.Itoa(pid) }

// openStore returns a store that listens. It keeps inherited from the beginning.
func openStore(inherited []*os.File) (*store, error) {
	conn, err := datagrams(storeAddress(os.Getpid()), "")
	if err != nil { // somebody has it
		conn, err = datagrams("", "")
	}
	if err != nil {
		return nil, err
	}
	return serveStore(conn, inherited), nil
}

// serveStore returns a store that listens at conn. It has no child yet.
func serveStore(conn *net.UnixConn, inherited []*os.File) *store {
	s := &store{conn: conn, settled: make(chan struct{}), over: make(chan struct{}), kept: inherited, pid: nobody}
	go s.serve()
	return s
}

// datagrams returns a socket for messages that name their sender. Its address is name, or one
// that the kernel chooses if name is empty: see unix(7), autobind. If peer is not empty, the
// socket accepts messages only from there.
func datagrams(name, peer string) (*net.UnixConn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	f := os.NewFile(uintptr(fd), "messages to a supervisor")
	defer f.Close()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		return nil, os.NewSyscallError("bind", err)
	}
	if peer != "" {
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: peer}); err != nil {
			return nil, os.NewSyscallError("connect", err)
		}
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// close closes everything that is kept.
func (s *store) close() {
	if s == nil {
		return
	}
	_ = s.conn.Close()
	<-s.over
	for _, f := range s.kept {
		_ = f.Close()
	}
}

// start starts a child with everything that is kept. From then on the store accepts messages
// of that child.
func (s *store) start(child *exec.Cmd) error {
	if s == nil {
		return child.Start()
	}
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	child.Env = append(child.Env, "NOTIFY_SOCKET="+s.conn.LocalAddr().String())
	if len(s.kept) > 0 {
		child.Env = append(child.Env, passing(s.names())...)
		child.ExtraFiles = s.kept // from 3 on, as sd_listen_fds(3) has them
	}
	err := child.Start()
	if err == nil {
		s.pid = child.Process.Pid
	}
	return err
}

// wait waits for the end of a child. After that the store accepts no messages, because another
// process may get the number of the child as soon as that is reaped.
func (s *store) wait(child *exec.Cmd) error {
	if s == nil {
		return child.Wait()
	}
	for { // without reaping it
		err := unix.Waitid(unix.P_PID, child.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	s.settle()
	s.mu.Lock()
	s.pid = nobody
	s.mu.Unlock()
	return child.Wait()
}

// nobody is the number of no child: processes of other PID namespaces have the number 0.
const nobody = -1

// passing returns the variables that pass descriptors, from 3 on, to a child, with their names
// joined by colons: see sd_listen_fds(3). LISTEN_PID does not have the number of the child,
// which is unknown before the child exists: see native.ClaimFiles.
func passing(names string) []string {
	return []string{
		"LISTEN_PID=" + strconv.Itoa(os.Getpid()), "LISTEN_FDS=" + strconv.Itoa(1+strings.Count(names, ":")), "LISTEN_FDNAMES=" + names,
	}
}

// names returns the names of everything that is kept, joined by colons. It must be called with
// mu held.
func (s *store) names() string {
	names := make([]string, len(s.kept))
	for i, f := range s.kept {
		names[i] = f.Name()
	}
	return strings.Join(names, ":")
}

// settle returns when all messages of earlier children have been handled.
func (s *store) settle() {
	to := &net.UnixAddr{Name: s.conn.LocalAddr().String(), Net: "unixgram"}
	if _, err := s.conn.WriteTo([]byte("settled"), to); err != nil { // this works even if the queue is full
		return
	}
	select {
	case <-s.settled:
	case <-s.over:
	}
}

// serve handles messages until the store is closed.
func (s *store) serve() {
	defer close(s.over)
	text, rights := make([]byte, 8192), attachments()
	for {
		n, size, _, from, err := s.conn.ReadMsgUnix(text, rights)
		if err != nil {
			return
		}
		who, files := attached(rights[:size])
		switch said := string(text[:n]); {
		case int(who.Pid) == os.Getpid():
			s.settled <- struct{}{}
		case said == lendRequest && trusted(who):
			s.lend(from)
		default:
			files = s.take(int(who.Pid), said, files)
		}
		for _, fd := range files {
			_ = unix.Close(fd)
		}
	}
}

// lend sends everything that is kept, with the names, to the process that has asked for it.
func (s *store) lend(to *net.UnixAddr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fds := make([]int, len(s.kept))
	for i, f := range s.kept {
		fds[i] = int(f.Fd()) //nolint:gosec // a descriptor
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	_, _, _ = s.conn.WriteMsgUnix([]byte(s.names()), rights, to) // a process that does not get it starts without it
}

// attached returns the sender of a message, and the descriptors that came with it.
func attached(control []byte) (who unix.Ucred, files []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return who, nil
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			files = append(files, fds...)
		} else if ucred, err := unix.ParseUnixCredentials(&m); err == nil {
			who = *ucred
		}
	}
	for _, fd := range files {
		unix.CloseOnExec(fd)
	}
	return who, files
}

// take does what a message asks, and returns those of its descriptors that are not kept.
func (s *store) take(who int, text string, files []int) (rest []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, lines := "stored", strings.Split(text, "\n")
	for _, line := range lines {
		if value, ok := strings.CutPrefix(line, "FDNAME="); ok {
			name = value
		}
	}
	switch {
	case who != s.pid || strings.ContainsAny(name, ":\x00"):
	case slices.Contains(lines, "FDSTOREREMOVE=1"):
		s.kept = slices.DeleteFunc(s.kept, func(f *os.File) bool {
			if f.Name() != name {
				return false
			}
			_ = f.Close()
			return true
		})
	case slices.Contains(lines, "FDSTORE=1"):
		for len(files) > 0 && len(s.kept) < mostKept {
			s.kept = append(s.kept, os.NewFile(uintptr(files[0]), name)) //nolint:gosec // a descriptor
			files = files[1:]
		}
	}
	return files
}
