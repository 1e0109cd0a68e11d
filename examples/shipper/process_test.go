//go:build unix

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	shipper "github.com/holdfast-dev/holdfast/examples/shipper"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The test binary plays the shipper: with this variable it is the real main.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "shipper" {
		shipper.Main()
	}
	os.Exit(m.Run())
}

// A bed has the files of one shipper.
type bed struct {
	t   *testing.T
	dir string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{t, t.TempDir()}
	for _, d := range []string{"in", "out"} {
		if err := os.Mkdir(b.path(d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.configure(``)
	return b
}

func (b *bed) path(name string) string { return filepath.Join(b.dir, name) }

// text returns a configuration: a valid [shipper] table, followed by more.
func (b *bed) text(more string) string {
	return fmt.Sprintf("[shipper]\ninputs = [%q]\noutput = %q\n%s\n", b.path("in/*.log*"), b.path("out/all"), more)
}

func (b *bed) configure(more string) { b.write("config.toml", b.text(more)) }

// write replaces a file atomically, because it may be read at any time.
func (b *bed) write(name, text string) {
	b.t.Helper()
	err := os.WriteFile(b.path(name+".new"), []byte(text), 0o600)
	if err == nil {
		err = os.Rename(b.path(name+".new"), b.path(name))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) add(name, text string) {
	b.t.Helper()
	f, err := os.OpenFile(b.path("in/"+name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		_ = f.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) output() string {
	text, _ := os.ReadFile(b.path("out/all"))
	return string(text)
}

func (b *bed) state() service.State {
	s, _ := service.ReadState(b.path("run/shipper.state.json")) // a missing file does not match
	return s
}

// A process is a running shipper.
type process struct {
	*bed
	cmd *exec.Cmd
	log bytes.Buffer
}

func (b *bed) start() *process {
	b.t.Helper()
	p := &process{bed: b}
	p.cmd = exec.Command(os.Args[0], "run", "--config", b.path("config.toml"), "--runtime-dir", b.path("run"), "--state-dir", b.path("state"))
	p.cmd.Env = append(os.Environ(), roleVariable+"=shipper")
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	return p
}

// ready starts a shipper and waits until it serves.
func (b *bed) ready() *process {
	b.t.Helper()
	p := b.start()
	p.await("readiness", func() bool {
		s := b.state()
		return s.Phase == platform.PhaseReady && s.Process.PID == p.cmd.Process.Pid
	})
	return p
}

func (p *process) await(what string, so func() bool) {
	p.t.Helper()
	wait.Until(p.t, what, so, func() string {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait() // so that the log is complete
		return fmt.Sprintf("output %q, log:\n%s", p.output(), &p.log)
	})
}

func (p *process) awaitOutput(lines string) {
	p.t.Helper()
	p.await(fmt.Sprintf("output %q", lines), func() bool { return strings.ReplaceAll(p.output(), "\n", " ") == lines })
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// reload requests a reload, waits for it, and returns its error.
func (p *process) reload() string {
	p.t.Helper()
	before := p.state().Reloads
	p.signal(syscall.SIGHUP)
	p.await("reload", func() bool { return p.state().Reloads.Completed > before.Completed })
	if after := p.state().Reloads; after.Failed > before.Failed {
		return after.LastError
	}
	return ""
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	over := time.AfterFunc(wait.Limit, func() { _ = p.cmd.Process.Kill() })
	defer over.Stop()
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != platform.ExitOK {
		p.t.Fatalf("exit code %d after a stop, log:\n%s", code, &p.log)
	}
}
