//go:build linux || darwin

package test_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// soon limits every wait for another process. It matters only to a test that fails.
const soon = wait.Limit

// place is where one service lives.
type place struct {
	run, state string   // directories; not there yet
	config     string   // configuration file; none if empty
	exe        string   // of service and command line
	env        []string // of the service beside the usual
	attr       *syscall.SysProcAttr
	stderr     *os.File // of its processes; nil: we read it
	through    []string // begins the command line: a program that executes the rest
}

func newPlace(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	must(t, err)
	return &place{run: filepath.Join(dir, "run"), state: filepath.Join(dir, "state"), exe: exe}
}

// configure writes the configuration file.
func (p *place) configure(t *testing.T, lines ...string) {
	t.Helper()
	if p.config == "" {
		p.config = filepath.Join(t.TempDir(), "feedd.toml")
	}
	// By rename, so that the service never reads half of it.
	must(t, os.WriteFile(p.config+".new", []byte(strings.Join(lines, "\n")+"\n"), 0o644))
	must(t, os.Rename(p.config+".new", p.config))
}

func (p *place) pidFile() string   { return filepath.Join(p.run, "feedd.pid") }
func (p *place) stateFile() string { return filepath.Join(p.run, "feedd.state.json") }
func (p *place) lockFile() string  { return filepath.Join(p.state, "feedd.lock") }
func (p *place) mutexFile() string { return filepath.Join(p.state, "feedd.mutex") }
func (p *place) lastRun() string   { return filepath.Join(p.state, "feedd.lastrun.json") }

// process is one that the test started.
type process struct {
	cmd      *exec.Cmd
	pid      int
	stdin    *os.File
	out, log *stream // standard output and error
	ended    chan struct{}
}

// launch starts the binary in a role.
func (p *place) launch(t *testing.T, role string, how plan, args ...string) *process {
	t.Helper()
	text, err := json.Marshal(how)
	must(t, err)
	argv := append(append(append([]string{}, p.through...), p.exe), args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = p.attr
	cmd.Dir = "/"
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GORACE=atexit_sleep_ms=0 halt_on_error=1",
		"USER=" + os.Getenv("USER"), // what os/user without cgo calls a uid that no file names
		roleVariable + "=" + role, planVariable + "=" + string(text),
	}, p.env...)
	pr := &process{cmd: cmd, out: newStream(), log: newStream(), ended: make(chan struct{})}
	in, stdin, err := os.Pipe()
	must(t, err)
	outR, outW, err := os.Pipe()
	must(t, err)
	logR, logW, err := os.Pipe()
	must(t, err)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, pr.stdin = in, outW, logW, stdin
	if p.stderr != nil {
		cmd.Stderr = p.stderr
	}
	go pr.out.fill(outR)
	go pr.log.fill(logR)
	err = cmd.Start()
	for _, f := range []*os.File{in, outW, logW} {
		_ = f.Close()
	}
	must(t, err)
	pr.pid = cmd.Process.Pid
	go func() { _ = cmd.Wait(); close(pr.ended) }()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		<-pr.ended
		if t.Failed() {
			t.Logf("process %d, %q: %v\nit said:\n%sand logged:\n%s", pr.pid, args, cmd.ProcessState, pr.out.text(), pr.log.text())
		}
	})
	return pr
}

// where returns the flags for the place.
func (p *place) where() []string {
	flags := []string{"--runtime-dir", p.run, "--state-dir", p.state, "--manager", "none"}
	if p.config != "" {
		flags = append(flags, "--config", p.config)
	}
	return flags
}

// start starts the service. ready also waits until it is ready.
func (p *place) start(t *testing.T, how plan) *process {
	t.Helper()
	return p.launch(t, "service", how, append([]string{"run"}, p.where()...)...)
}

func (p *place) ready(t *testing.T, how plan) *process {
	t.Helper()
	a := p.start(t, how)
	a.log.await(t, "ready: after=")
	return a
}

// foreign starts a process that shares only its executable with the service.
func (p *place) foreign(t *testing.T) *process {
	t.Helper()
	f := p.launch(t, "foreign", plan{}, "run")
	f.out.await(t, "up")
	return f
}

// begin starts a command of the service's command line. do also waits for its end.
func (p *place) begin(t *testing.T, args ...string) *process {
	t.Helper()
	return p.launch(t, "service", plan{}, append(args, p.where()...)...)
}

func (p *place) do(t *testing.T, args ...string) result {
	t.Helper()
	return p.begin(t, args...).end(t)
}

// result describes how a process ended.
type result struct {
	code     int // 128 and the signal, if one killed it
	out, err string
}

// want fails the test unless the exit code is code and the output, of both streams, contains
// all words.
func (r result) want(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d:\n%s%s", r.code, code, r.out, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.out+r.err, w) {
			t.Errorf("it does not say %q:\n%s%s", w, r.out, r.err)
		}
	}
}

// end waits for the process to end.
func (pr *process) end(t *testing.T) result {
	t.Helper()
	wait.For(t, fmt.Sprintf("process %d ends", pr.pid), pr.ended, pr.log.text)
	// A child may still have its ends of the pipes.
	for _, s := range []*stream{pr.out, pr.log} {
		wait.For(t, fmt.Sprintf("nobody has the output of process %d any more", pr.pid), s.closed)
	}
	code := pr.cmd.ProcessState.ExitCode()
	if s, ok := pr.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		code = 128 + int(s.Signal())
	}
	return result{code, pr.out.text(), pr.log.text()}
}

func (pr *process) alive() bool {
	select {
	case <-pr.ended:
		return false
	default:
		return true
	}
}

func (pr *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	must(t, pr.cmd.Process.Signal(sig))
}

// kill sends SIGKILL.
func (pr *process) kill(t *testing.T) {
	t.Helper()
	pr.signal(t, syscall.SIGKILL)
	<-pr.ended
}

// order tells the puppet what to do: see plan.
func (pr *process) order(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(pr.stdin, line+"\n")
	must(t, err)
}

// stop stops the service in order.
func (pr *process) stop(t *testing.T) {
	t.Helper()
	pr.signal(t, syscall.SIGTERM)
	pr.end(t).want(t, 0)
}

// untouched ends a foreign process and fails the test if it was signalled.
func (pr *process) untouched(t *testing.T) {
	t.Helper()
	must(t, pr.stdin.Close())
	if r := pr.end(t); r.code != 0 || r.out != "up\nend\n" {
		t.Errorf("the foreign process was not left alone: exit code %d, it said:\n%s", r.code, r.out)
	}
}

// stream has the lines that a process writes.
type stream struct {
	mu      sync.Mutex
	lines   []string
	next    int // that await looks at
	changed chan struct{}
	closed  chan struct{}
}

func newStream() *stream {
	return &stream{changed: make(chan struct{}), closed: make(chan struct{})}
}

func (s *stream) fill(r *os.File) {
	defer close(s.closed)
	defer func() { _ = r.Close() }()
	for lines := bufio.NewReader(r); ; {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.mu.Lock()
			s.lines = append(s.lines, strings.TrimSuffix(line, "\n"))
			close(s.changed)
			s.changed = make(chan struct{})
			s.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// await returns the next line that contains text, and skips the lines before it.
func (s *stream) await(t *testing.T, text string) string {
	t.Helper()
	defer wait.Tell(t, text, time.Now())
	line, err := s.find(text)
	must(t, err)
	return line
}

func (s *stream) find(text string) (string, error) {
	timeout := time.After(soon)
	for closed := false; ; {
		s.mu.Lock()
		for s.next < len(s.lines) {
			line := s.lines[s.next]
			s.next++
			if strings.Contains(line, text) {
				s.mu.Unlock()
				return line, nil
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if closed {
			return "", fmt.Errorf("it ended without a line %q", text)
		}
		select {
		case <-changed:
		case <-s.closed:
			closed = true
		case <-timeout:
			return "", errors.New("no line " + text + " for long")
		}
	}
}

// has reports whether a line contains text.
func (s *stream) has(text string) bool { return strings.Contains(s.text(), text) }

// count returns the number of lines that begin with prefix.
func (s *stream) count(prefix string) (n int) {
	for line := range strings.Lines(s.text()) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (s *stream) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	for _, line := range s.lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
