//go:build unix

package posix_test

import (
	"errors"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/posix"
)

func raise(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(syscall.Getpid(), s); err != nil {
		t.Fatal(err)
	}
}

func next(t *testing.T, h *posix.Host) platform.Request {
	t.Helper()
	select {
	case r := <-h.Requests():
		return r
	case <-time.After(5 * time.Minute):
		t.Fatal("no request for a signal")
		return platform.Request{}
	}
}

func TestSignalsBecomeRequests(t *testing.T) {
	h := posix.Listen()
	defer func() { _ = h.Close(0) }()
	for sig, want := range map[syscall.Signal]platform.Request{
		syscall.SIGTERM: {Kind: platform.RequestStop, Source: "SIGTERM"},
		syscall.SIGINT:  {Kind: platform.RequestStop, Source: "SIGINT"},
		syscall.SIGHUP:  {Kind: platform.RequestReload, Source: "SIGHUP"},
	} {
		if sig == syscall.SIGINT && signal.Ignored(sig) { // a shell without job control ignores it for background jobs
			continue
		}
		raise(t, sig)
		for next(t, h) != want {
			continue // signals of other tests may still arrive
		}
	}
}

// Many SIGHUPs while nobody receives must not crowd out the SIGTERM after them, nor the second
// one that forces the end.
func TestStormDoesNotLoseAStop(t *testing.T) {
	h := posix.Listen()
	defer func() { _ = h.Close(0) }()
	for range 1000 {
		raise(t, syscall.SIGHUP)
	}
	raise(t, syscall.SIGTERM)
	stops, reloads := 0, 0
	for stops < 1 {
		switch r := next(t, h); r.Kind {
		case platform.RequestStop:
			stops++
		case platform.RequestReload:
			reloads++
		}
	}
	if reloads > 1000 {
		t.Errorf("%d reload requests for 1000 signals", reloads)
	}
}

type notifier struct {
	got []platform.Notice
	err error
}

func (n *notifier) Notify(x platform.Notice) error {
	n.got = append(n.got, x)
	return n.err
}

func TestNotifierIsHandedIn(t *testing.T) {
	lost := errors.New("lost")
	n := &notifier{err: lost}
	h := posix.Listen()
	h.Introduce(posix.Starter{Name: "systemd", Notifier: n, Watchdog: time.Minute})
	defer func() { _ = h.Close(0) }()
	if err := h.Notify(platform.Notice{Phase: platform.PhaseReady}); !errors.Is(err, lost) {
		t.Errorf("error %v", err)
	}
	if len(n.got) != 1 || n.got[0].Phase != platform.PhaseReady || h.Name() != "systemd" || h.Watchdog() != time.Minute {
		t.Errorf("%+v %q %v", n.got, h.Name(), h.Watchdog())
	}
	_ = h.Close(0)
	_ = h.Close(0) // twice is fine
	silent := posix.Listen()
	if err := silent.Notify(platform.Notice{Phase: platform.PhaseReady}); err != nil {
		t.Errorf("with nobody to tell: %v", err)
	}
	_ = silent.Close(0)
}

// A signal between Close and the end of the process must not kill it, because the exit code
// would be lost.
func TestSignalAfterCloseDoesNotKill(t *testing.T) {
	h := posix.Listen()
	_ = h.Close(0)
	for range 10 {
		raise(t, syscall.SIGTERM)
		raise(t, syscall.SIGHUP)
	}
	select {
	case r := <-h.Requests():
		t.Errorf("a closed host relays %+v", r)
	default:
	}
}
