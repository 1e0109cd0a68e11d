package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/native"
	"github.com/holdfast-dev/holdfast/platform/proc"
)

// execute runs the candidate as a child, until it ends.
func (o Options) execute(r Record, env []string) (Begun, error) {
	image, err := r.open(o.Own)
	if err != nil {
		return Begun{}, err
	}
	defer image.Close()
	host, _ := native.Host() // what it warns of the child finds out as well
	c, err := r.start(host.Name(), env)
	if err != nil {
		return Begun{Host: host}, over("run %s: %w", r.Candidate, err)
	}
	defer close(c.quit)
	_ = image.Close()
	t := r.watched()
	k := &keeper{
		host: host, tell: c.tell, said: c.said, ended: c.ended, kill: c.kill,
		confirmed: t.confirmedNow,
		due: func() error {
			if err := o.due(r); err != nil && !t.confirmedNow() { // in this order: it is confirmed before its record goes
				return err
			}
			return nil
		},
	}
	code, follows := k.run()
	if follows != nil {
		return Begun{Host: host}, follows
	}
	_ = host.Close(code) // who could be told?
	return Begun{Host: host, Exit: &code}, nil
}

// open opens the candidate and compares it with the verified digest. While it is open nobody
// can change it.
func (r Record) open(own bool) (*os.File, error) {
	p, err := windows.UTF16PtrFromString(r.Candidate)
	if err != nil {
		return nil, over("%w", err)
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, over("open %s: %w", r.Candidate, err)
	}
	f := os.NewFile(uintptr(h), r.Candidate)
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", r.Candidate)
	default:
		err = errors.Join(files.Owned(r.Candidate, info, own), ownedDir(filepath.Dir(r.Candidate), own))
	}
	if err == nil {
		var sum [sha256.Size]byte
		if sum, err = sumOf(f); err == nil && hex.EncodeToString(sum[:]) != r.SHA256 {
			err = fmt.Errorf("%s is not the file that was verified", r.Candidate)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, over("%w", err)
	}
	return f, nil
}

// child is a running candidate.
type child struct {
	tell  chan message
	said  chan message
	ended chan int
	quit  chan struct{}
	kill  func()
}

// told is how many requests may wait for a child that does not read them.
const told = 64

func (r Record) start(manager string, env []string) (*child, error) {
	in, toChild, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromChild, out, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close(), toChild.Close())
	}
	cmd, err := r.command(manager, env, in, out)
	if err == nil {
		// It ends with this process, whatever ends that: the system closes the handle of the job.
		// Its own children are free, as those of a service are.
		_, err = jobobject.Start(cmd, windows.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK)
	}
	_, _ = in.Close(), out.Close() // only the child has them now
	if err != nil {
		return nil, errors.Join(err, toChild.Close(), fromChild.Close())
	}
	c := &child{
		tell: make(chan message, told), said: make(chan message), ended: make(chan int, 1), quit: make(chan struct{}),
		kill: func() { _ = cmd.Process.Kill() },
	}
	go speak(toChild, c.tell, c.quit)
	go listen(fromChild, c.said, c.quit)
	go func() {
		_ = cmd.Wait()
		c.ended <- codeOf(cmd.ProcessState)
	}()
	return c, nil
}

// codeOf returns an exit code. It is negative if Windows reports an exception.
func codeOf(s *os.ProcessState) int {
	const exceptions = 0xC0000000 // NTSTATUS of severity error
	if s == nil || uint32(s.ExitCode()) >= exceptions {
		return -1
	}
	return s.ExitCode()
}

func (r Record) command(manager string, env []string, in, out *os.File) (*exec.Cmd, error) {
	var inherited []syscall.Handle
	for _, f := range []*os.File{in, out} {
		h := windows.Handle(f.Fd())
		if err := windows.SetHandleInformation(h, windows.HANDLE_FLAG_INHERIT, windows.HANDLE_FLAG_INHERIT); err != nil {
			return nil, err
		}
		inherited = append(inherited, syscall.Handle(h))
	}
	m := r.mark()
	m.Keeper, m.Manager, m.In, m.Out = os.Getpid(), manager, in.Fd(), out.Fd()
	text, err := m.text()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(r.Candidate, os.Args[1:]...) //nolint:gosec,noctx // it is verified, and ends by requests
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(env, Variable+"="+text)
	for _, s := range []struct {
		file *os.File
		give func(*os.File)
	}{{os.Stdout, func(f *os.File) { cmd.Stdout = f }}, {os.Stderr, func(f *os.File) { cmd.Stderr = f }}} {
		if _, err := s.file.Stat(); err == nil { // a service has none
			s.give(s.file)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: inherited}
	return cmd, nil
}

// relayed returns the parent that keeps this process as its host.
func (m mark) relayed() (platform.Host, error) {
	if m.Keeper == 0 || m.Keeper != os.Getppid() {
		return nil, fmt.Errorf("process %d is not the parent of this process: %w", m.Keeper, ErrOver)
	}
	for _, h := range []uintptr{m.In, m.Out} { // no child of ours speaks in our name
		if err := windows.SetHandleInformation(windows.Handle(h), windows.HANDLE_FLAG_INHERIT, 0); err != nil {
			return nil, err
		}
	}
	// A console signals both processes, and the parent forwards what concerns the service. So
	// this process ignores it, and the end of somebody's session does not end the service.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	h := newRelay(m.Manager, os.NewFile(m.In, "keeper"), os.NewFile(m.Out, "keeper"))
	if signals, stop, err := proc.Listen(); err == nil { // otherwise others cannot ask us directly
		h.close = func() { _ = stop() }
		go h.ask(signals)
	}
	return h, nil
}

type keptFile struct{}

func keepFiles() []keptFile { return nil }

func closeCopies([]keptFile) {}

func rename(string) {}

func (t *Trial) giveWay() error { return nil }
