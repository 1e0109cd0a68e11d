package scm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// disk is the machine's files, for the manager.
type disk struct{ platform.System }

func (disk) ReadFile(path string) ([]byte, error)  { return os.ReadFile(path) }
func (disk) Stat(path string) (os.FileInfo, error) { return os.Stat(path) }

// notAService is the exit code of a process that the SCM did not start.
const notAService = 64

// startTimeout is the timeout of a live service. A slow service takes longer.
const startTimeout = 3 * time.Second

// play runs the test binary as a service that the SCM started.
func play(role, dir string, args []string) int {
	h, err := scm.Listen()
	if errors.Is(err, scm.ErrNotService) {
		return notAService
	} else if err != nil {
		return platform.ExitFailed
	}
	say := func(format string, args ...any) {
		f, err := os.OpenFile(filepath.Join(dir, "said"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			_, _ = fmt.Fprintf(f, format+"\n", args...)
			_ = f.Close()
		}
	}
	argv, _ := json.Marshal(args)
	say("argv %s", argv)
	say("variable %q", os.Getenv("HOLDFAST_TEST_VARIABLE"))
	h.Configure(platform.HostConfig{StartTimeout: startTimeout, StopTimeout: startTimeout})
	var code int
	switch {
	case role == "slow":
		for begin := time.Now(); time.Since(begin) < startTimeout+time.Second; time.Sleep(300 * time.Millisecond) {
			_ = h.Notify(platform.Notice{Extend: time.Minute, Text: "a step"})
		}
	case strings.HasPrefix(role, "exit "):
		_, _ = fmt.Sscanf(role, "exit %d", &code)
		_ = h.Close(code)
		return code
	case role == "crash":
		return 3 // without a report
	}
	_ = h.Notify(platform.Notice{Phase: platform.PhaseReady})
	for r := range h.Requests() {
		say("%v", r)
		if r.Kind == platform.RequestStop {
			break
		}
	}
	for range 3 {
		_ = h.Notify(platform.Notice{Step: "a step"})
	}
	if role == "bad stop" {
		code = 1
	}
	_ = h.Close(code)
	for held(dir) { // a process may still exist after STOPPED
		time.Sleep(10 * time.Millisecond)
	}
	say("gone")
	return code
}

// held reports whether a test wants a stopped service to stay for a while: see hold.
func held(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "hold"))
	return err == nil
}

// hold keeps the process of a service until release.
func hold(t *testing.T, dir string) (release func()) {
	t.Helper()
	name := filepath.Join(dir, "hold")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// live installs the test binary as a service that plays a role.
func live(t *testing.T, role string, args ...string) (m *scm.Manager, id platform.ID, said func() string) {
	t.Helper()
	m, id, dir := liveIn(t, role, args...)
	return m, id, func() string {
		text, err := os.ReadFile(filepath.Join(dir, "said"))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
}

// liveIn is live, but also returns the directory of the service.
func liveIn(t *testing.T, role string, args ...string) (m *scm.Manager, id platform.ID, dir string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	id = platform.ID{Name: "holdfast-" + strings.ToLower(t.Name()[4:]), Scope: platform.ScopeSystem}
	id.Name = strings.NewReplacer("/", "-", "_", "-", " ", "-").Replace(id.Name)
	m = scm.New(disk{}, scm.Local{}, scm.Options{
		Dirs: func(platform.ID) (scm.Dirs, error) {
			return scm.Dirs{Base: dir + `\b`, Runtime: dir + `\b\run`, State: dir + `\b\state`, Logs: dir + `\b\log`}, nil
		},
		Monotonic: func() (time.Duration, error) { return 0, errors.ErrUnsupported },
	})
	u := platform.Unit{
		ID: id, Exec: append([]string{exe, "play", role, dir}, args...), Env: map[string]string{"HOLDFAST_TEST_VARIABLE": "a b"},
		Restart: platform.Restart{Policy: platform.RestartOnFailure, Delay: time.Hour},
	}
	apply := func(steps []platform.Step, err error) {
		t.Helper()
		for _, s := range steps {
			if err == nil && s.Kind == platform.StepRemoveDir {
				err = os.RemoveAll(s.Path)
			} else if err == nil {
				err = m.Applier().Apply(t.Context(), s)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	apply(m.Plan(t.Context(), u))
	t.Cleanup(func() {
		steps, err := m.Removal(context.Background(), id)
		for _, s := range steps {
			if err == nil && s.Kind != platform.StepRemoveDir {
				err = m.Applier().Apply(context.Background(), s)
			}
		}
		if st, _ := m.Status(context.Background(), id); err != nil || st.Installed {
			t.Errorf("uninstall: %v, %+v", err, st)
		}
	})
	return m, id, dir
}

// Stop returns when the process has ended, some time after the SCM reports the service as
// stopped.
func TestLiveStopWaitsForTheProcess(t *testing.T) {
	m, id, dir := liveIn(t, "plain")
	if err := m.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	release := hold(t, dir)
	stopped := make(chan error, 1)
	go func() { stopped <- m.Stop(t.Context(), id) }()
	wait.Until(t, "the SCM has it stopped", func() bool {
		s, err := scm.Local{}.Query(id.String())
		return err == nil && s.State == scm.Stopped
	})
	select {
	case err := <-stopped:
		t.Errorf("stop returned before the process was gone: %v", err)
	default:
	}
	release()
	if err := wait.For(t, "stop returns", stopped); err != nil {
		t.Error(err)
	}
	if said, err := os.ReadFile(filepath.Join(dir, "said")); err != nil || !strings.HasSuffix(string(said), "gone\n") {
		t.Errorf("it said %s (%v)", said, err)
	}
}

func TestLiveStartAndStop(t *testing.T) {
	m, id, said := live(t, "plain", "a b", `c"d\`, "ü€", "")
	for range 2 {
		if err := m.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	st, err := m.Status(t.Context(), id)
	if err != nil || st.Phase != platform.PhaseReady || st.PID == 0 || !st.Enabled {
		t.Errorf("%+v, %v", st, err)
	}
	for range 2 {
		if err := m.Stop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if text := said(); !strings.Contains(text, `argv ["a b","c\"d\\","ü€",""]`) ||
		!strings.Contains(text, "gone") || !strings.Contains(text, `variable "a b"`) {
		t.Errorf("it said %s", text)
	}
	st, err = m.Status(t.Context(), id)
	if err != nil || st.Phase != platform.PhaseStopped || st.PID != 0 || st.LastExit == nil || !st.LastExit.Clean {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestLiveSlowStart(t *testing.T) {
	m, id, _ := live(t, "slow")
	if err := m.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func TestLiveEnds(t *testing.T) {
	for _, tt := range []struct {
		role, says string
		code       int
	}{
		{"exit 1", "exit code 1", 1},
		{"exit 70", "exit code 70: ", 70},
		{"exit 78", "exit code 78: ", 78},
		{"crash", "", -1},
	} {
		t.Run(tt.role, func(t *testing.T) {
			m, id, _ := live(t, tt.role)
			err := m.Start(t.Context(), id)
			// Wine sometimes misses that a process that ended at once has reported.
			for range 5 {
				if !errors.Is(err, platform.ErrTimeout) {
					break
				}
				err = m.Start(t.Context(), id)
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("start: %v", err)
			}
			t.Log(err)
			st, err := m.Status(t.Context(), id)
			if err != nil || st.Phase != platform.PhaseFailed || st.LastExit == nil || st.LastExit.Code != tt.code {
				t.Errorf("%+v %+v, %v", st, st.LastExit, err)
			}
		})
	}
}

func TestLiveKill(t *testing.T) {
	m, id, _ := live(t, "plain")
	if err := m.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	st, _ := m.Status(t.Context(), id)
	p, err := os.FindProcess(st.PID)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the SCM knows of its death", func() bool {
		st, err = m.Status(t.Context(), id)
		return err != nil || st.Phase == platform.PhaseFailed
	})
	if err != nil || st.LastExit == nil || st.LastExit.Code != -1 {
		t.Errorf("%+v %+v %v", st, st.LastExit, err)
	}
	if err := m.Start(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestLiveBadStop(t *testing.T) {
	m, id, _ := live(t, "bad stop")
	if err := m.Start(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := m.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	s, err := scm.Local{}.Query(id.String())
	if err != nil || s.Win32Exit != 0 || s.ServiceExit != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}
