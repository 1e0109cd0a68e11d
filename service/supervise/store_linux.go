package supervise

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mostKept is how many descriptors are kept: as many as one message to the next supervisor may
// have, SCM_MAX_FD of the kernel.
const mostKept = 253

// attachments returns room for all that may come with a message: its sender and descriptors.
func attachments() []byte {
	return make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*mostKept))
}

// store keeps descriptors for the next child, as systemd's does and by the same words,
// sd_notify(3). What else a child says there is for nobody.
type store struct {
	conn    *net.UnixConn
	settled chan struct{}
	over    chan struct{} // closed when nobody reads any more

	mu   sync.Mutex
	pid  int // of the child, who alone is listened to
	kept []*os.File
}

// storeAddress is where the store of a supervisor is, if nobody else was there first.
func storeAddress(pid int) string { return "@holdfast-supervisor-" + strconv.Itoa(pid) }

// openStore has a store listen. inherited is what is kept from the beginning.
func openStore(inherited []*os.File) (*store, error) {
	conn, err := datagrams(storeAddress(os.Getpid()))
	if err != nil { // somebody has it
		conn, err = datagrams("")
	}
	if err != nil {
		return nil, err
	}
	return serveStore(conn, inherited), nil
}

// serveStore has a store listen at conn. It has no child yet: processes of other PID
// namespaces have the number 0.
func serveStore(conn *net.UnixConn, inherited []*os.File) *store {
	s := &store{conn: conn, settled: make(chan struct{}), over: make(chan struct{}), kept: inherited, pid: -1}
	go s.serve()
	return s
}

// datagrams returns a socket for messages that name their sender. Its address is name, or one
// that the kernel chooses if name is empty: see unix(7), autobind.
func datagrams(name string) (*net.UnixConn, error) {
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
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// close lets go of all that is kept.
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

// start starts a child with what is kept, and listens to it from then on.
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

// passing returns the variables that pass descriptors, from 3 on, to a child, by their names
// with colons between them: see sd_listen_fds(3). The child has another number than LISTEN_PID
// says, which nobody knows before it exists: see native.ClaimFiles.
func passing(names string) []string {
	return []string{
		"LISTEN_PID=" + strconv.Itoa(os.Getpid()), "LISTEN_FDS=" + strconv.Itoa(1+strings.Count(names, ":")), "LISTEN_FDNAMES=" + names,
	}
}

// names returns the names of what is kept, with colons between them. It must be called with mu
// held.
func (s *store) names() string {
	names := make([]string, len(s.kept))
	for i, f := range s.kept {
		names[i] = f.Name()
	}
	return strings.Join(names, ":")
}

// settle returns when all that earlier children have said is taken in.
func (s *store) settle() {
	to := &net.UnixAddr{Name: s.conn.LocalAddr().String(), Net: "unixgram"}
	if _, err := s.conn.WriteTo([]byte("settled"), to); err != nil {
		return
	}
	select {
	case <-s.settled:
	case <-s.over:
	}
}

// serve takes in what is said until the store is closed.
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

// lend sends all that is kept to who has asked for it, under its names.
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
	_, _, _ = s.conn.WriteMsgUnix([]byte(s.names()), rights, to) // who does not get it goes without
}

// attached are the sender of a message, and the descriptors that came with it.
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

// take does what a message says, and returns those of its descriptors that are not kept.
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
