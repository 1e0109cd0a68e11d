//go:build linux || darwin

package test_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/test/wait"
)

// Signals, and calls that block outside the life. Issue 9, faults B and 2.

// One signal counts as one request to stop, although it also ends the context.
func TestSignals_NotifyContextCountsOnce(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "ctrl-C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			dir := filepath.Dir(p.run)
			p.env = []string{dirVariable + "=" + dir}
			a := p.launch(t, "notified", plan{})
			a.log.await(t, "ready: after=")
			a.signal(t, sig)
			a.end(t).want(t, 0, "stopped: clean=true")
			if got := words(a.out.text()); got != "stop saved" {
				t.Errorf("its stop was %q", got)
			}
			p.clean(t)
		})
	}
}

// The configuration is a FIFO that nobody writes to. The first signal ends the process, if
// the process has not refused the file before.
func TestSignals_ConfigurationThatBlocks(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "ctrl-C": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.config = filepath.Join(t.TempDir(), "feedd.toml")
			must(t, syscall.Mkfifo(p.config, 0o600))
			a := p.start(t, plan{})
			wait.Until(t, "it opens its configuration, or ends", func() bool { return !a.alive() || p.opened(t) })
			_ = a.cmd.Process.Signal(sig) // it may have ended
			if r := a.end(t); r.code != 0 && r.code != 78 {
				t.Errorf("exit code %d", r.code)
			}
			p.clean(t)
		})
	}
}

// opened reports whether somebody has the FIFO open to read it.
func (p *place) opened(t *testing.T) bool {
	t.Helper()
	f, err := os.OpenFile(p.config, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false // ENXIO
	}
	t.Cleanup(func() { _ = f.Close() }) // or the reader would see the end of the file
	return true
}

// A process that hangs after the end of its service, for example in a deferred call of
// main, can be killed by a signal: the first one that comes too late to stop the service
// restores the default for the next.
func TestSignals_ProcessThatHangsAfterTheEnd(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	a := p.ready(t, plan{Exit: "hang"})
	a.signal(t, syscall.SIGTERM)
	a.out.await(t, "exit")
	wait.Until(t, "a signal kills it", func() bool {
		_ = a.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		return !a.alive()
	})
	r := a.end(t)
	if r.code != 128+int(syscall.SIGTERM) || !strings.Contains(r.err, "stopped: clean=true") {
		t.Errorf("exit code %d, log:\n%s", r.code, r.err)
	}
	p.clean(t)
}
