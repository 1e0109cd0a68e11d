package trial_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform"
)

// manager is who has started the confirmed version.
type manager struct {
	requests chan platform.Request
	heard    []string
}

func (m *manager) Name() string                      { return "scm" }
func (m *manager) Requests() <-chan platform.Request { return m.requests }
func (m *manager) Watchdog() time.Duration           { return 0 }
func (m *manager) Close(int) error                   { return nil }

func (m *manager) Notify(n platform.Notice) error {
	m.heard = append(m.heard, strings.TrimSpace(string(n.Phase)+" "+n.Text+n.Step))
	return nil
}

func (m *manager) Configure(c platform.HostConfig) {
	m.heard = append(m.heard, "configure "+c.StopTimeout.String())
}

// scene is a candidate under its keeper, in a bubble.
type scene struct {
	t         *testing.T
	manager   manager
	candidate platform.Host // nil: it never listens
	ended     chan int
	killed    bool
	due       atomic.Bool // it is to make room
	confirmed atomic.Bool
	done      chan struct{}
	code      int
	follows   error
	pipes     []io.Closer
}

func play(t *testing.T, listens bool, act func(s *scene)) *scene {
	t.Helper()
	s := &scene{manager: manager{requests: make(chan platform.Request)}, ended: make(chan int, 1), done: make(chan struct{})}
	synctest.Test(t, func(t *testing.T) {
		s.t = t
		s.manager.requests = make(chan platform.Request)
		s.ended, s.done = make(chan int, 1), make(chan struct{})
		down, toCandidate := io.Pipe()
		fromCandidate, up := io.Pipe()
		s.pipes = []io.Closer{down, up}
		go func() {
			s.code, s.follows = trial.Keeper{
				Host: &s.manager, Ended: s.ended, Kill: func() { s.killed = true; s.ends(-1) },
				Due: func() error {
					if s.due.Load() {
						return errors.New("taken back")
					}
					return nil
				}, Confirmed: s.confirmed.Load,
			}.Run(fromCandidate, toCandidate)
			_ = toCandidate.Close()
			close(s.done)
		}()
		if listens {
			s.candidate = trial.NewRelay("scm", down, up)
		}
		synctest.Wait()
		act(s)
		<-s.done
		if s.candidate != nil {
			_ = s.candidate.Close(0)
		}
	})
	return s
}

// ends ends the process of the candidate.
func (s *scene) ends(code int) {
	s.ended <- code
	for _, p := range s.pipes {
		_ = p.Close()
	}
}

func (s *scene) ask(k platform.RequestKind) {
	s.manager.requests <- platform.Request{Kind: k, Source: "the manager", Event: platform.Event{Kind: platform.EventLogon, Session: 7}}
}

func (s *scene) hears(k platform.RequestKind) platform.Request {
	s.t.Helper()
	q := <-s.candidate.Requests()
	if q.Kind != k {
		s.t.Errorf("heard %+v, want kind %d", q, k)
	}
	return q
}

// atOnce expects that the candidate is killed without a wait.
func (s *scene) atOnce() {
	s.t.Helper()
	time.Sleep(time.Second)
	synctest.Wait()
	if !s.killed {
		s.t.Error("it is waited for, and listens to nobody")
	}
}

// Requests of the manager reach the candidate, and reports of the candidate reach the manager.
func TestKeeperHandsOver(t *testing.T) {
	s := play(t, true, func(s *scene) {
		s.candidate.(platform.Configurable).Configure(platform.HostConfig{StopTimeout: 7 * time.Second})
		_ = s.candidate.Notify(platform.Notice{Phase: platform.PhaseReady})
		s.ask(platform.RequestReload)
		if q := s.hears(platform.RequestReload); q.Source != "the manager" {
			t.Errorf("%+v", q)
		}
		s.ask(platform.RequestEvent)
		if q := s.hears(platform.RequestEvent); q.Event != (platform.Event{Kind: platform.EventLogon, Session: 7}) {
			t.Errorf("%+v", q)
		}
		s.ask(platform.RequestStop)
		s.hears(platform.RequestStop)
		_ = s.candidate.Notify(platform.Notice{Phase: platform.PhaseStopping})
		_ = s.candidate.Notify(platform.Notice{Step: "Stop"})
		s.ends(3)
	})
	want := []string{"configure 7s", "ready", "stopping", "Stop"}
	if s.code != 3 || s.follows != nil || s.killed || !slices.Equal(s.manager.heard, want) {
		t.Errorf("%d, %v, killed %v, heard %q, want %q", s.code, s.follows, s.killed, s.manager.heard, want)
	}
}

// The way in which a candidate ends decides which version runs next.
func TestKeeperAndTheEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		mute    bool
		act     func(s *scene)
		code    int
		follows string // part of why the confirmed version does; empty: it does not
		killed  bool
		heard   []string
	}{
		"it fails":              {act: func(s *scene) { s.ends(1) }, code: 1, follows: "exit code 1"},
		"it ends":               {act: func(s *scene) { s.ends(0) }, follows: "exit code 0"},
		"it is killed":          {act: func(s *scene) { s.ends(-1) }, code: -1, follows: "was killed"},
		"it never listened":     {mute: true, act: func(s *scene) { s.ends(3) }, code: 3, follows: "exit code 3"},
		"confirmed, and failed": {act: func(s *scene) { s.confirmed.Store(true); s.ends(70) }, code: 70},
		"confirmed, and killed": {act: func(s *scene) { s.confirmed.Store(true); s.ends(-1) }, code: 1},
		"asked by another": {act: func(s *scene) {
			_ = s.candidate.Notify(platform.Notice{Phase: platform.PhaseStopping})
			s.ends(0)
		}, heard: []string{"stopping"}},
		"stopped, and deaf": {act: func(s *scene) {
			s.ask(platform.RequestStop)
			s.hears(platform.RequestStop)
		}, code: 1, killed: true},
		"stopped before it listens": {mute: true, act: func(s *scene) { s.ask(platform.RequestStop); s.atOnce() }, code: 1, killed: true},
		"taken back": {act: func(s *scene) {
			s.due.Store(true)
			s.hears(platform.RequestStop)
			_ = s.candidate.Notify(platform.Notice{Phase: platform.PhaseStopping}) // the manager does not hear of it
			s.ends(0)
		}, follows: "taken back"},
		"taken back, and deaf":         {act: func(s *scene) { s.due.Store(true); s.hears(platform.RequestStop) }, code: -1, follows: "taken back", killed: true},
		"taken back before it listens": {mute: true, act: func(s *scene) { s.due.Store(true); s.atOnce() }, code: -1, follows: "taken back", killed: true},
		"stopped while it is taken back": {act: func(s *scene) {
			s.due.Store(true)
			s.hears(platform.RequestStop)
			s.ask(platform.RequestStop)
			synctest.Wait()
			select {
			case q := <-s.candidate.Requests():
				s.t.Errorf("it hears a second time, which means at once: %+v", q)
			default:
			}
			s.ends(0)
		}},
		"a second stop means at once there": {act: func(s *scene) {
			s.ask(platform.RequestStop)
			s.hears(platform.RequestStop)
			s.ask(platform.RequestStop)
			s.hears(platform.RequestStop)
			s.ends(1)
		}, code: 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, !tt.mute, tt.act)
			follows := ""
			if s.follows != nil {
				follows = s.follows.Error()
			}
			if s.code != tt.code || (follows == "") != (tt.follows == "") || !strings.Contains(follows, tt.follows) || s.killed != tt.killed || !slices.Equal(s.manager.heard, tt.heard) {
				t.Errorf("%d, %v, killed %v, heard %q", s.code, s.follows, s.killed, s.manager.heard)
			}
		})
	}
}

// A candidate whose keeper is gone has to stop at once. It ignores messages that it does not
// know.
func TestRelayOfAKeeperThatIsGone(t *testing.T) {
	h := trial.NewRelay("scm", strings.NewReader("no JSON\n{\"ask\":\"dance\"}\n{\"ask\":\"reload\",\"new\":1}\n"), io.Discard)
	for _, want := range []platform.RequestKind{platform.RequestReload, platform.RequestStop, platform.RequestStop} {
		if q := <-h.Requests(); q.Kind != want {
			t.Errorf("%+v, want kind %d", q, want)
		}
	}
	if h.Name() != "scm" || h.Watchdog() != 0 {
		t.Errorf("%q, %v", h.Name(), h.Watchdog())
	}
	for range 2 {
		_ = h.Close(0)
	}
}

// Other processes can make requests of a candidate, too.
func TestRelayIsAsked(t *testing.T) {
	from, to := io.Pipe()
	defer to.Close()
	h := trial.NewRelay("scm", from, io.Discard)
	signals := make(chan os.Signal, 2)
	trial.Asks(h, signals)
	signals <- syscall.SIGHUP
	signals <- syscall.SIGTERM
	for _, want := range []platform.RequestKind{platform.RequestReload, platform.RequestStop} {
		if q := <-h.Requests(); q.Kind != want {
			t.Errorf("%+v, want kind %d", q, want)
		}
	}
	_ = h.Close(0)
}
