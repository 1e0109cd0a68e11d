package runner_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	jobs "github.com/holdfast-dev/holdfast/examples/jobs/runner"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

// The test binary plays the job runner and its keepers, and with "effect" the command of a job.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(roleVariable) != "jobs":
		os.Exit(m.Run())
	case len(os.Args) == 3 && os.Args[1] == "effect":
		effect(os.Args[2])
	default:
		os.Exit(jobs.Main(jobs.Description("test"), nil))
	}
}

// effect reports that it begins, waits while the file "block" exists, and reports that it
// ends.
func effect(dir string) {
	say := func(what string) {
		f, err := os.OpenFile(filepath.Join(dir, "effects"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(f, what, os.Getenv("JOBS_RUN_ID"), os.Getenv("JOBS_ATTEMPT"), os.Getenv("JOBS_PARAMS"))
			_ = f.Close()
		}
		if err != nil {
			os.Exit(1)
		}
	}
	say("begin")
	for {
		if _, err := os.Stat(filepath.Join(dir, "block")); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	say("end")
}

type bed struct {
	t   *testing.T
	dir string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t, t.TempDir()}
	config := fmt.Sprintf("[jobs]\nlisten = '127.0.0.1:0'\n[[jobs.job]]\nname = 'work'\ncommand = ['%s', 'effect', '%s']\nrerun_if_interrupted = true\n", os.Args[0], b.dir)
	for name, text := range map[string]string{"config.toml": config, "block": ""} {
		if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bed) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--config", b.path("config.toml"), "--runtime-dir", b.path("run"), "--state-dir", b.path("state"))...)
	cmd.Env = append(os.Environ(), roleVariable+"=jobs")
	return cmd
}

func (b *bed) call(args ...string) string {
	b.t.Helper()
	if args[0] == "work" {
		args = append(args, "--timeout", wait.Limit.String())
	}
	text, err := b.command(args...).CombinedOutput()
	if err != nil {
		b.t.Fatalf("%q: %v\n%s", args, err, text)
	}
	return string(text)
}

type process struct {
	*bed
	cmd *exec.Cmd
	log bytes.Buffer
}

func (b *bed) primary() *process {
	b.t.Helper()
	p := &process{bed: b, cmd: b.command("run")}
	p.cmd.Stderr, p.cmd.WaitDelay = &p.log, time.Second
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	wait.Until(b.t, "the primary is ready", func() bool {
		s, err := service.ReadState(b.path("run/jobs.state.json"))
		return err == nil && s.Process.PID == p.cmd.Process.Pid && s.Phase == platform.PhaseReady
	})
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *process) stop() {
	p.t.Helper()
	id, err := proc.Of(p.cmd.Process.Pid)
	if err == nil {
		err = id.Signal(syscall.SIGTERM)
	}
	if err == nil {
		err = p.cmd.Wait()
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // it ended in order, and its log came late
		p.t.Errorf("stop: %v\n%s", err, p.log.String())
	}
}

func (b *bed) effects() string {
	text, _ := os.ReadFile(b.path("effects"))
	return strings.ReplaceAll(strings.ReplaceAll(string(text), "\r", ""), "\n", ";")
}

func (b *bed) awaitEffects(want string) {
	b.t.Helper()
	wait.Until(b.t, "the effects are "+want, func() bool { return b.effects() == want }, b.effects, func() string { return b.call("work", "list") })
}

type run struct {
	ID    uint64
	State string
	Child *proc.Identity
}

func (b *bed) list() []run {
	b.t.Helper()
	var a struct{ Entries []run }
	if err := json.Unmarshal([]byte(b.call("work", "list", "--json")), &a); err != nil {
		b.t.Fatal(err)
	}
	return a.Entries
}

func (b *bed) awaitFinished(id uint64) {
	b.t.Helper()
	wait.Until(b.t, fmt.Sprintf("run %d is finished", id), func() bool {
		for _, r := range b.list() {
			if r.ID == id {
				return r.State == "finished"
			}
		}
		return false
	}, func() string { return b.call("work", "list") })
}

// begin starts the service with a run in progress.
func (b *bed) begin() *process {
	b.t.Helper()
	p := b.primary()
	if id := strings.TrimSpace(b.call("trigger", "work", "--params", "42")); id != "1" {
		b.t.Fatal(id)
	}
	b.awaitEffects("begin 1 1 42;")
	return p
}

func (b *bed) unblock() {
	b.t.Helper()
	if err := os.Remove(b.path("block")); err != nil {
		b.t.Fatal(err)
	}
}

func TestIncident4OnWindows(t *testing.T) {
	t.Run("a stop", func(t *testing.T) {
		b := newBed(t)
		b.begin().stop()
		p := b.primary()
		b.awaitEffects("begin 1 1 42;begin 2 2 42;")
		b.unblock()
		b.awaitEffects("begin 1 1 42;begin 2 2 42;end 2 2 42;")
		b.awaitFinished(2)
		p.stop()
	})
	t.Run("a kill of all", func(t *testing.T) {
		b := newBed(t)
		p := b.begin()
		keeper := b.list()[0].Child
		p.kill()
		if err := keeper.Signal(os.Kill); err != nil { // its job object takes the command with it
			t.Fatal(err)
		}
		p = b.primary()
		b.awaitEffects("begin 1 1 42;begin 2 2 42;")
		b.unblock()
		b.awaitEffects("begin 1 1 42;begin 2 2 42;end 2 2 42;")
		b.awaitFinished(2)
		p.stop()
	})
	t.Run("a kill of the primary alone", func(t *testing.T) {
		b := newBed(t)
		b.begin().kill()
		p := b.primary()
		wait.Until(t, "it is adopted", func() bool { return strings.Contains(b.call("work", "list"), "begun") })
		b.unblock()
		b.awaitEffects("begin 1 1 42;end 1 1 42;")
		b.awaitFinished(1)
		p.stop()
	})
	t.Run("it ends while the service is down", func(t *testing.T) {
		b := newBed(t)
		p := b.begin()
		keeper := b.list()[0].Child
		p.kill()
		b.unblock()
		if err := keeper.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		p = b.primary()
		b.awaitFinished(1)
		p.stop()
		if got := b.effects(); got != "begin 1 1 42;end 1 1 42;" {
			t.Error(got)
		}
	})
}
