//go:build unix

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	minimal "github.com/holdfast-dev/holdfast/examples/minimal"
	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "minimal" {
		minimal.Main()
	}
	os.Exit(m.Run())
}

// The program becomes ready, survives a SIGHUP and stops in order.
func TestLife(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	var log bytes.Buffer
	cmd := exec.Command(os.Args[0], "run", "--runtime-dir", run, "--state-dir", t.TempDir())
	cmd.Env = append(os.Environ(), roleVariable+"=minimal")
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(wait.Limit, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	await := func(so func(service.State) bool) {
		wait.Until(t, "the state is as it has to be", func() bool {
			s, err := service.ReadState(filepath.Join(run, "minimal.state.json"))
			return err == nil && so(s)
		})
	}
	await(func(s service.State) bool { return s.Phase == platform.PhaseReady })
	_ = cmd.Process.Signal(syscall.SIGHUP)
	await(func(s service.State) bool { return s.Reloads.Completed == 1 })
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
	for _, line := range []string{"ready", "reloaded", "stopped: clean=true"} {
		if !bytes.Contains(log.Bytes(), []byte(line)) {
			t.Errorf("%q is not in the log", line)
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != platform.ExitOK || t.Failed() {
		t.Errorf("exit code %d, log:\n%s", code, &log)
	}
}
