//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A trialist reports from which file it runs. As a candidate it behaves as a variable says.
type trialist struct{}

const candidateVariable = "HOLDFAST_CLI_TEST_CANDIDATE"

func (trialist) Start(_ context.Context, rt *service.Runtime) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	name := filepath.Base(exe)
	_, marked := os.LookupEnv(trial.Variable)
	fmt.Println("started", name, os.Getpid(), strings.Join(rt.Args(), ","), marked)
	if !strings.HasPrefix(name, "candidate") {
		return nil
	}
	switch os.Getenv(candidateVariable) {
	case "fails":
		return errors.New("port 99999 is none")
	case "hangs":
		select {}
	case "answers late":
		rt.HealthCheck("upstream", func(ctx context.Context) error {
			for {
				if _, err := os.Stat(filepath.Join(filepath.Dir(exe), "answers")); err == nil || ctx.Err() != nil {
					return err
				}
				time.Sleep(10 * time.Millisecond) // as a check that polls does
			}
		})
	case "dies":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	rt.Go("confirmation", func(ctx context.Context) error {
		if rt.Confirmed(ctx) == nil {
			fmt.Println("confirmed")
		}
		return nil
	})
	return nil
}

func (trialist) Stop(context.Context) error {
	fmt.Println("stopped")
	if os.Getenv(candidateVariable) == "stops badly" {
		return errors.New("a file is open")
	}
	return nil
}

func playTrialist(dir string) int {
	cfg := agentConfig(dir)
	if behaviour := os.Getenv(candidateVariable); behaviour == "hangs" || strings.HasSuffix(behaviour, " without end") {
		cfg.StartTimeout, cfg.StopTimeout = 10*time.Second, 10*time.Second
	}
	if behaviour, ok := strings.CutPrefix(os.Getenv(candidateVariable), "migrates "); ok {
		return playMigrator(cfg, behaviour)
	}
	return cli.Main(cfg, trialist{})
}

// A court is where a trial takes place: a confirmed version, a candidate, a record.
type court struct {
	t         *testing.T
	dir       string
	candidate string
	record    trial.Record
}

func newCourt(t *testing.T) *court {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("no process can be identified here, so there are no trials")
	}
	c := &court{t: t, dir: t.TempDir()}
	for _, d := range []string{"run", "state", "xdg", "xdg/holdfast"} {
		if err := os.Mkdir(filepath.Join(c.dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stable", "candidate"} {
		copyProgram(t, self, filepath.Join(c.dir, name))
	}
	c.candidate = filepath.Join(c.dir, "candidate")
	info, err := os.Stat(c.candidate)
	if err != nil {
		t.Fatal(err)
	}
	us, err := proc.Self()
	if err != nil {
		t.Fatal(err)
	}
	c.record = trial.Record{
		Format: trial.Format, ID: "t1", Service: "agent", Candidate: c.candidate, Size: info.Size(), Version: "2", From: "1",
		Stable: filepath.Join(c.dir, "stable"), Boots: []string{"another", us.Boot}, Deadline: c.in(time.Hour), Tries: 1,
		TriesFile: filepath.Join(c.dir, "state", "agent.trial.json"), Since: time.Now(), By: "root",
	}
	c.record.Device, c.record.Inode, _ = trial.Place(info)
	return c
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = unforked(func() error { return os.WriteFile(to, content, 0o755) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unforked writes to a program while no other test forks. A child that has not executed its
// own program yet would keep the file open for writing, and whoever executes it meanwhile gets
// "text file busy": golang.org/issue/22315.
func unforked(write func() error) error {
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	return write()
}

func (c *court) in(d time.Duration) time.Duration {
	c.t.Helper()
	now, err := proc.Boottime()
	if err != nil {
		c.t.Fatal(err)
	}
	return now + d
}

func (c *court) path() string { return filepath.Join(c.dir, "xdg", "holdfast", "agent.trial.json") }

func (c *court) opens() {
	c.t.Helper()
	if err := trial.Write(c.path(), c.record); err != nil {
		c.t.Fatal(err)
	}
}

// run starts the service by the stable path, like a manager.
func (c *court) run(behaviour string) (*exec.Cmd, *bufio.Scanner, *strings.Builder) {
	c.t.Helper()
	cmd := inDir(c.t, "trialist", c.dir, "run", "--scope", "user", "--", "x")
	cmd.Path, cmd.Args[0] = c.record.Stable, c.record.Stable
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+filepath.Join(c.dir, "xdg"), candidateVariable+"="+behaviour)
	errs := &strings.Builder{}
	cmd.Stderr = errs
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("process %d has logged:\n%s", cmd.Process.Pid, errs)
		}
	})
	return cmd, bufio.NewScanner(out), errs
}

// ends requests a stop, and expects the service to end in order.
func (c *court) ends(cmd *exec.Cmd, lines *bufio.Scanner) {
	c.t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	expect(c.t, lines, "stopped")
	for lines.Scan() {
		c.t.Errorf("after its stop: %s", lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		c.t.Errorf("its end: %v", err)
	}
}

func (c *court) state() state.State {
	c.t.Helper()
	s, err := state.Read(state.Path(filepath.Join(c.dir, "run"), "agent"))
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// The candidate takes the place of the confirmed version: it has the same process, arguments
// and environment, and its children are not on trial. A confirmed version is at the stable
// path. A requested stop is a stop.
func TestTrialIsFollowed(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	if s := c.state(); s.Trial != "t1" {
		t.Errorf("the state says trial %q", s.Trial)
	}
	if runtime.GOOS == "linux" {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
		if err != nil || string(comm) != "stable\n" {
			t.Errorf("its name is %q, %v", comm, err)
		}
	}
	link := filepath.Join(c.dir, ".new")
	if err := errors.Join(os.Link(c.candidate, link), os.Rename(link, c.record.Stable), trial.Remove(c.path())); err != nil {
		t.Fatal(err)
	}
	expect(t, lines, "confirmed")
	wait.Until(t, "the state file says so", func() bool { return c.state().Trial == "" })
	c.ends(cmd, lines)
	tries, err := trial.ReadTries(c.record.TriesFile, "t1")
	if err != nil || tries.Count != 1 {
		t.Errorf("counted %+v, %v", tries, err)
	}
}

// Without hard links the confirmed version is a copy.
func TestTrialIsConfirmedByCopy(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	copied := filepath.Join(c.dir, ".new")
	copyProgram(t, c.candidate, copied)
	if err := os.Rename(copied, c.record.Stable); err != nil {
		t.Fatal(err)
	}
	expect(t, lines, "confirmed")
	c.ends(cmd, lines)
}

// A candidate can be stopped like any service, even before it is confirmed.
func TestTrialIsStopped(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	c.ends(cmd, lines)
}

// No other version follows a candidate that was asked to stop, whatever the outcome.
func TestTrialIsStoppedBadly(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("stops badly")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect(t, lines, "stopped")
	for lines.Scan() {
		t.Errorf("after its stop: %s", lines.Text())
	}
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("its end: %v", cmd.ProcessState)
	}
}

// systemd does not learn of the stop of a candidate that the confirmed version follows. It
// would wait for the end of the process from then on, and kill it.
func TestTrialIsOverAndSystemdHearsNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only systemd listens")
	}
	c := newCourt(t)
	c.opens()
	socket := filepath.Join(c.dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", socket)
	heard := make(chan string, 1000)
	go func() {
		defer close(heard)
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			heard <- string(buf[:n])
		}
	}()
	until := func(word string, never ...string) {
		t.Helper()
		for {
			said := wait.For(t, word, heard)
			for _, n := range never {
				if strings.Contains(said, n) {
					t.Fatalf("systemd heard %q before %s", said, word)
				}
			}
			if said == "" || strings.Contains(said, word) {
				return
			}
		}
	}
	cmd, lines, _ := c.run("fails")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	until("EXTEND_TIMEOUT_USEC=", "STOPPING=1", "READY=1")
	until("READY=1", "STOPPING=1")
	expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until("STOPPING=1")
	expect(t, lines, "stopped")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// If a candidate fails, hangs or is not confirmed in time, the confirmed version follows in
// the same process. Whoever began the trial need not live.
func TestTrialIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		behaviour string
		deadline  time.Duration
		vanishes  bool // the record, before the deadline
		first     []string
	}{
		"it fails":         {"fails", time.Hour, false, nil},
		"it hangs":         {"hangs", time.Hour, false, nil},
		"not confirmed":    {"", 10 * time.Second, false, []string{"stopped"}},
		"without a record": {"", 10 * time.Second, true, []string{"stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCourt(t)
			c.record.Deadline = c.in(tt.deadline)
			c.opens()
			cmd, lines, _ := c.run(tt.behaviour)
			if tt.deadline > time.Minute { // a slow machine may be late for the other ones: then nothing is tried
				expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
			} else if !lines.Scan() {
				t.Fatal("nothing was said")
			} else if strings.HasPrefix(lines.Text(), "started stable") {
				t.Skip("too slow a machine for so short a trial")
			}
			if tt.vanishes {
				if err := trial.Remove(c.path()); err != nil {
					t.Fatal(err)
				}
			}
			for _, line := range tt.first {
				expect(t, lines, line)
			}
			expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
			if s := c.state(); s.Trial != "" {
				t.Errorf("the state says trial %q", s.Trial)
			}
			c.ends(cmd, lines)
		})
	}
}

// A killed candidate has used its attempt: the next start runs the confirmed version.
func TestTrialTriesAreUsedUp(t *testing.T) {
	c := newCourt(t)
	c.opens()
	cmd, lines, _ := c.run("dies")
	expect(t, lines, fmt.Sprintf("started candidate %d x false", cmd.Process.Pid))
	_ = cmd.Wait()
	cmd, lines, errs := c.run("dies")
	expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
	c.ends(cmd, lines)
	if !strings.Contains(errs.String(), "it has used all its tries (1 of 1)") {
		t.Errorf("said %q", errs)
	}
	tries, err := trial.ReadTries(c.record.TriesFile, "t1")
	if err != nil || !strings.Contains(tries.Why, "has used all its tries") {
		t.Errorf("left %+v, %v", tries, err)
	}
}

// Any fault of a trial ends the trial, and never the start.
func TestTrialIsNotFollowed(t *testing.T) {
	root := os.Geteuid() == 0
	for name, tt := range map[string]struct {
		spoil func(c *court) error // before the record is written
		then  func(c *court) error // after it
		says  string
		root  bool
	}{
		"no trial":            {then: func(c *court) error { return trial.Remove(c.path()) }},
		"expired":             {spoil: func(c *court) error { c.record.Deadline = c.in(0); return nil }, says: "its time limit is over"},
		"another boot":        {spoil: func(c *court) error { c.record.Boots = c.record.Boots[:1]; return nil }, says: "from another boot"},
		"another service":     {spoil: func(c *court) error { c.record.Service = "agent2"; return nil }, says: `its record is of "agent2"`},
		"not whole":           {spoil: func(c *court) error { c.record.Candidate = "candidate"; return nil }, says: "is incomplete"},
		"no tries":            {spoil: func(c *court) error { c.record.Tries = 0; return nil }, says: "used all its tries (0 of 0)"},
		"a newer format":      {then: replaces(`"format": 1`, `"format": 2`), says: "has format 2"},
		"invalid JSON":        {then: replaces(`{`, `[`), says: "invalid JSON"},
		"too long":            {then: replaces(`{`, `{`+strings.Repeat(" ", 70000)), says: "longer than 65536"},
		"a FIFO":              {then: instead(func(p string) error { return unix.Mkfifo(p, 0o644) }), says: "is a FIFO"},
		"a link":              {then: instead(func(p string) error { return os.Symlink("elsewhere", p) }), says: "is a symbolic link"},
		"a directory":         {then: instead(func(p string) error { return os.Mkdir(p, 0o755) }), says: "is a directory"},
		"writable by a group": {then: func(c *court) error { return os.Chmod(c.path(), 0o664) }, says: "is writable by users other than its owner"},
		"a place for all":     {then: func(c *court) error { return os.Chmod(filepath.Dir(c.path()), 0o777) }, says: "is writable by users other than its owner"},
		"foreign":             {then: func(c *court) error { return os.Chown(c.path(), 4242, -1) }, says: "belongs to user 4242", root: true},
		"in a foreign place":  {then: func(c *court) error { return os.Chown(filepath.Dir(c.path()), 4242, -1) }, says: "belongs to user 4242", root: true},
		"no candidate":        {then: func(c *court) error { return os.Remove(c.candidate) }, says: "no such file"},
		"a swapped candidate": {then: swaps(func(c *court) error {
			return unforked(func() error { return os.WriteFile(c.candidate, []byte("#!/bin/sh\n"), 0o755) })
		}), says: "not the file that was verified"}, //nolint:gosec // a program
		"a grown candidate":    {then: func(c *court) error { return os.Truncate(c.candidate, c.record.Size+1) }, says: "not the file that was verified"},
		"a linked candidate":   {then: swaps(func(c *court) error { return os.Symlink(c.record.Stable, c.candidate) }), says: "open "},
		"a FIFO for candidate": {then: swaps(func(c *court) error { return unix.Mkfifo(c.candidate, 0o755) }), says: "not a regular file"},
		"an open candidate":    {then: func(c *court) error { return os.Chmod(c.candidate, 0o757) }, says: "is writable by users other than its owner"},
		"a foreign candidate":  {then: func(c *court) error { return os.Chown(c.candidate, 4242, -1) }, says: "belongs to user 4242", root: true},
		"no candidate's mode":  {then: func(c *court) error { return os.Chmod(c.candidate, 0o644) }, says: "execute "},
		"no program":           {then: scrambles, says: "execute "},
		"a FIFO for a count":   {then: func(c *court) error { return unix.Mkfifo(c.record.TriesFile, 0o644) }, says: "count of tries"},
		"a bad count":          {then: func(c *court) error { return os.WriteFile(c.record.TriesFile, []byte("{"), 0o600) }, says: "count of tries"},
		"a negative count": {then: func(c *court) error {
			return os.WriteFile(c.record.TriesFile, []byte(`{"trial":"t1","count":-5}`), 0o600)
		}, says: "used all its tries (-5 of 1)"},
		"no place for a count": {spoil: func(c *court) error { c.record.TriesFile = "/nonexistent/count"; return nil }, says: "count of tries"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.root && !root {
				t.Skip("only root gives files away")
			}
			c := newCourt(t)
			if tt.spoil != nil {
				if err := tt.spoil(c); err != nil {
					t.Fatal(err)
				}
			}
			c.opens()
			if tt.then != nil {
				if err := tt.then(c); err != nil {
					t.Fatal(err)
				}
			}
			cmd, lines, errs := c.run("")
			expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
			c.ends(cmd, lines)
			if got := errs.String(); !strings.Contains(got, tt.says) || tt.says == "" && got != "" || strings.Count(got, "\n") > 1 {
				t.Errorf("said %q, want %q", got, tt.says)
			}
		})
	}
}

func replaces(from, to string) func(*court) error {
	return func(c *court) error {
		content, err := os.ReadFile(c.path())
		if err != nil {
			return err
		}
		return os.WriteFile(c.path(), []byte(strings.Replace(string(content), from, to, 1)), 0o600)
	}
}

func instead(plant func(path string) error) func(*court) error {
	return func(c *court) error { return errors.Join(os.Remove(c.path()), plant(c.path())) }
}

func swaps(plant func(*court) error) func(*court) error {
	return func(c *court) error { return errors.Join(os.Remove(c.candidate), plant(c)) }
}

// scrambles changes the content and keeps size and inode.
func scrambles(c *court) error {
	return unforked(func() error {
		f, err := os.OpenFile(c.candidate, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, "no program at all")
		return errors.Join(err, f.Close())
	})
}

// A senseless mark is ignored, and puts no child on trial.
func TestTrialMarkIsForged(t *testing.T) {
	for _, mark := range []string{"", "1", "{}", `{"id":"t1"}`} {
		c := newCourt(t)
		t.Setenv(trial.Variable, mark)
		cmd, lines, _ := c.run("")
		expect(t, lines, fmt.Sprintf("started stable %d x false", cmd.Process.Pid))
		if s := c.state(); s.Trial != "" {
			t.Errorf("%q: the state says trial %q", mark, s.Trial)
		}
		c.ends(cmd, lines)
	}
}
