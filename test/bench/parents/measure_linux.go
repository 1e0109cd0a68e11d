package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience limits each wait. It matters only if something is broken.
const patience = 2 * time.Minute

// figures are the measurements of a contestant.
type figures struct {
	starts  []time.Duration
	rss     int64 // bytes
	wakeups int64
	logged  []time.Duration
}

func measure(s settings) error {
	all, got, err := figuresOf(s)
	if err == nil {
		show(all, got, s)
	}
	return err
}

func figuresOf(s settings) (all []contestant, got map[string]*figures, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(s.dir, "parents-")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	wrap := filepath.Join(dir, "wrap")
	build := exec.Command("go", slices.Concat([]string{"build", "-o", wrap}, s.flags, []string{"github.com/holdfast-dev/holdfast/examples/wrap"})...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released: without the C library in its memory
	if out, err := build.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("%w: %s", err, out)
	}
	all = contestants(self, wrap)
	got = map[string]*figures{}
	for round := range s.rounds + 1 {
		for _, c := range all {
			r, err := begin(c, dir, self)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round == 0 { // not counted
				got[c.name] = &figures{}
			} else {
				got[c.name].starts = append(got[c.name].starts, r.took)
			}
			r.end()
		}
	}
	if err := idle(all, got, s, dir, self); err != nil {
		return nil, nil, err
	}
	lines := s.megabytes << 20 / 100
	for range s.logs {
		for _, c := range all {
			if !c.logs {
				continue
			}
			r, err := begin(c, dir, self, strconv.Itoa(lines))
			if err == nil {
				err = r.await("its last line", func() bool { return strings.Contains(end(r.log), lastLine) })
				got[c.name].logged = append(got[c.name].logged, time.Since(r.begun))
				r.end()
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return all, got, nil
}

// idle measures all contestants while they are idle at the same time.
func idle(all []contestant, got map[string]*figures, s settings, dir, self string) error {
	var runs []*running
	defer func() {
		for _, r := range runs {
			r.end()
		}
	}()
	for _, c := range all {
		r, err := begin(c, dir, self)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		runs = append(runs, r)
	}
	time.Sleep(s.settle)
	for i, c := range all {
		got[c.name].wakeups = -runs[i].sum(switches)
	}
	time.Sleep(s.idle)
	for i, c := range all {
		got[c.name].wakeups += runs[i].sum(switches)
		got[c.name].rss = runs[i].sum(resident)
	}
	return nil
}

// A running is a contestant with its program.
type running struct {
	cmd      *exec.Cmd
	dir, log string
	bare     bool          // it passes on no signals
	begun    time.Time     // the program
	took     time.Duration // from its own exec to the program's first line
}

func begin(c contestant, parent, self string, more ...string) (*running, error) {
	dir, err := os.MkdirTemp(parent, "c-")
	if err != nil {
		return nil, err
	}
	r := &running{dir: dir, log: dir + "/says/current", bare: c.bare}
	if err := os.Mkdir(dir+"/says", 0o700); err != nil {
		return nil, err
	}
	program := append([]string{self, "child", dir + "/begun"}, more...)
	argv, err := c.argv(dir, r.log, program)
	if err != nil {
		return nil, err
	}
	r.cmd = exec.Command(argv[0], argv[1:]...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var said bytes.Buffer
	r.cmd.Stderr = &said
	r.cmd.WaitDelay = time.Second
	begun := time.Now()
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	var at int64
	if err := r.await("its program", func() bool {
		b, err := os.ReadFile(dir + "/begun")
		if err == nil {
			at, err = strconv.ParseInt(string(b), 10, 64)
		}
		return err == nil
	}); err != nil {
		r.end()
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	r.begun, r.took = time.Unix(0, at), time.Duration(at-begun.UnixNano())
	return r, nil
}

func (r *running) await(what string, so func() bool) error {
	for deadline := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New(what + " is not there")
		}
	}
	return nil
}

// end asks it to end, and then kills the rest of what it has started.
func (r *running) end() {
	all := append(descendants(r.cmd.Process.Pid), r.cmd.Process.Pid)
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(10*time.Second, func() { _ = r.cmd.Process.Kill() })
	if r.bare { // it passes on no signals
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	}
	_ = r.cmd.Wait()
	timer.Stop()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = os.RemoveAll(r.dir)
}

// sum adds up the results of of for the contestant and everything it has started, except the
// program.
func (r *running) sum(of func(pid int) int64) (n int64) {
	for _, pid := range append(descendants(r.cmd.Process.Pid), r.cmd.Process.Pid) {
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if words := strings.Split(string(line), "\x00"); len(words) < 2 || words[1] != "child" { // otherwise it is the program
			n += of(pid)
		}
	}
	return n
}

func descendants(pid int) (all []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		b, _ := os.ReadFile(path)
		for word := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(append(all, child), descendants(child)...)
			}
		}
	}
	return all
}

// switches returns how often the threads of a process have gone to sleep, which is how often
// they have woken up.
func switches(pid int) (n int64) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, path := range tasks {
		n += field(path, "voluntary_ctxt_switches:")
	}
	return n
}

func resident(pid int) int64 { return field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:") << 10 }

func field(path, name string) (n int64) {
	b, _ := os.ReadFile(path)
	for line := range strings.Lines(string(b)) {
		if rest, is := strings.CutPrefix(line, name); is {
			n, _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return n
}

// end returns the end of a file.
func end(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	b := make([]byte, min(info.Size(), 500))
	n, _ := f.ReadAt(b, info.Size()-int64(len(b)))
	return string(b[:n])
}
