package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

// fallback has the manager "hand", which starts and stops the service and restarts nothing.
type fallback struct{}

func (fallback) Managers() []string { return []string{"hand"} }

func (fallback) Manager(string) (platform.Manager, error)                        { return hand{}, nil }
func (fallback) Apply(context.Context, platform.Step) error                      { return nil }
func (fallback) Inverse(context.Context, platform.Step) ([]platform.Step, error) { return nil, nil }

// Here makes it the manager of a machine that nothing else runs, as are those where tests run
// in a container.
func (fallback) Here() string { return "hand" }

// hand finds everything in the directory that HOLDFAST_MACHINE names.
type hand struct{}

func dir() string { return os.Getenv("HOLDFAST_MACHINE") }

func (hand) Name() string                                                  { return "hand" }
func (hand) Plan(context.Context, platform.Unit) ([]platform.Step, error)  { return nil, nil }
func (hand) Removal(context.Context, platform.ID) ([]platform.Step, error) { return nil, nil }
func (hand) Reload(context.Context, platform.ID) error                     { return platform.ErrUnsupported }
func (hand) Logs(platform.ID, int, bool) []string                          { return nil }

// pid returns the number of the running process; 0: none.
func pid() int {
	content, err := os.ReadFile(filepath.Join(dir(), "run", "relay.pid"))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || syscall.Kill(n, 0) != nil {
		return 0
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n)); err != nil || strings.Contains(string(stat), ") Z ") {
		return 0
	}
	return n
}

// until waits until so returns true.
func until(ctx context.Context, so func() bool) error {
	for !so() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Start runs the installed program, and returns when it serves or has ended.
func (hand) Start(ctx context.Context, _ platform.ID) error {
	log, err := os.OpenFile(filepath.Join(dir(), "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(dir(), "bin", "relay"), "run", "--config", filepath.Join(dir(), "relay.toml"),
		"--runtime-dir", filepath.Join(dir(), "run"), "--state-dir", filepath.Join(dir(), "state")) //nolint:gosec // it outlives this process
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=hand %d", native.StarterVariable, os.Getpid()))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var failed error
	err = until(ctx, func() bool {
		select {
		case failed = <-ended:
			failed = fmt.Errorf("it has ended: %w", failed)
			return true
		default:
		}
		state, err := os.ReadFile(filepath.Join(dir(), "run", "relay.state.json"))
		text := string(state)
		return err == nil && (strings.Contains(text, `"standby"`) && strings.Contains(text, `"ready_at"`) || strings.Contains(text, `"phase": "ready"`) || strings.Contains(text, `"phase":"ready"`))
	})
	if err == nil {
		err = failed
	}
	return err
}

func (hand) Stop(ctx context.Context, _ platform.ID) error {
	n := pid()
	if n == 0 {
		return nil
	}
	if err := syscall.Kill(n, syscall.SIGTERM); err != nil {
		return err
	}
	return until(ctx, func() bool { return pid() != n })
}

func (h hand) Restart(ctx context.Context, id platform.ID) error {
	if err := h.Stop(ctx, id); err != nil {
		return err
	}
	return h.Start(ctx, id)
}

func (hand) Status(context.Context, platform.ID) (platform.Status, error) {
	s := platform.Status{Manager: "hand", Installed: true, Phase: platform.PhaseStopped}
	if n := pid(); n != 0 {
		s.Phase, s.PID, s.Assumed = platform.PhaseReady, n, true
	}
	return s, nil
}
