package scm_test

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/scm"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// Issue 9: what is started by hand, at any instant of the start of a service, does not take its place.
//
//	the SCM                         services.exe's child     by hand
//	listens for its new process
//	                                                         connected, and was the service
//	                                connected: no service
func TestLiveIssue9_ByHandTakesNoServicesPlace(t *testing.T) {
	m, id, _ := live(t, "plain")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const rounds, hands = 15, 3
	for round := range rounds {
		var by [hands]*exec.Cmd
		ended := make(chan int, hands)
		for i := range by {
			by[i] = exec.Command(exe, "play", "plain", t.TempDir())
			if err := by[i].Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = by[i].Process.Kill() }) // it waits for the SCM's orders
			go func() { _ = by[i].Wait(); ended <- by[i].ProcessState.ExitCode() }()
		}
		if err := m.Start(t.Context(), id); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for range by {
			if code := wait.For(t, "what was started by hand ends", ended); code != notAService {
				t.Fatalf("round %d: by hand: exit code %d", round, code)
			}
		}
		if st, err := m.Status(t.Context(), id); err != nil || st.Phase != platform.PhaseReady {
			t.Fatalf("round %d: %+v, %v", round, st, err)
		}
		if err := m.Stop(t.Context(), id); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

// A process that was started by hand learns at once that it is not a service, every time it
// asks.
func TestLiveNotAService(t *testing.T) {
	m, id, _ := live(t, "plain")
	if err := m.Start(t.Context(), id); err != nil { // Wine waited 10 s for the last started service
		t.Fatal(err)
	}
	for range 2 {
		if h, err := scm.Listen(); !errors.Is(err, scm.ErrNotService) {
			t.Errorf("%v, %v", h, err)
		}
	}
}
