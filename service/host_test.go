//go:build linux || darwin || windows

package service_test

import (
	"cmp"
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// A host is a manager played by the test.
type host struct {
	name     string // empty: "test"
	requests chan platform.Request
	watchdog time.Duration
	heard    func(platform.Notice)               // nil: nobody listens
	files    []*os.File                          // that it hands over
	keep     func(name string, f *os.File) error // nil: it keeps nothing
}

func (h *host) Files() []*os.File { return h.files }

func (h *host) Keep(_ context.Context, name string, f *os.File) error {
	if h.keep == nil {
		return platform.ErrUnsupported
	}
	return h.keep(name, f)
}

func (h *host) Forget(context.Context, string) error { return platform.ErrUnsupported }

// aPerson is the name of the host of a process that a person started.
const aPerson = "nobody"

func (h *host) Name() string {
	if h.name == aPerson {
		return ""
	}
	return cmp.Or(h.name, "test")
}
func (h *host) Requests() <-chan platform.Request { return h.requests }
func (h *host) Watchdog() time.Duration           { return h.watchdog }
func (h *host) Close(int) error                   { return nil }
func (h *host) ask(k platform.RequestKind) {
	h.requests <- platform.Request{Kind: k, Source: "the test"}
}

func (h *host) Notify(n platform.Notice) error {
	if h.heard != nil {
		h.heard(n)
	}
	return nil
}

// A program is a Program of functions. A nil function does nothing.
type program struct {
	start  func(context.Context, *service.Runtime) error
	stop   func(context.Context) error
	reload func(context.Context) error
}

func (p *program) Start(ctx context.Context, rt *service.Runtime) error {
	if p.start == nil {
		return nil
	}
	return p.start(ctx, rt)
}

func (p *program) Stop(ctx context.Context) error {
	if p.stop == nil {
		return nil
	}
	return p.stop(ctx)
}

func (p *program) Reload(ctx context.Context) error {
	if p.reload == nil {
		return nil
	}
	return p.reload(ctx)
}

// A bench is a life under test.
type bench struct {
	*host
	t       *testing.T
	cfg     service.Config
	machine service.Machine
	done    chan error

	mu     sync.Mutex
	phases []platform.Phase
	notice chan platform.Notice
	inStop chan struct{} // closed by some tests when Program.Stop is called
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := benchDir(t)
	b := &bench{
		host: &host{},
		cfg: service.Config{
			Name: "feedd", RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
			Log: logsink.Options{File: filepath.Join(dir, "log"), Level: "debug"},
		},
	}
	b.heard = func(n platform.Notice) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if n.Phase != "" {
			b.phases = append(b.phases, n.Phase)
		}
		b.notice <- n
	}
	b.enter(t)
	return b
}

// enter makes the parts that belong to a bubble of package synctest, or to none.
func (b *bench) enter(t *testing.T) {
	b.t = t
	b.requests, b.done = make(chan platform.Request), make(chan error, 1)
	b.notice, b.inStop = make(chan platform.Notice, 10000), make(chan struct{})
}

// inBubble runs a test whose life takes no real time, however long it is: see package
// synctest. Limits are exact there, and a life that hangs is detected at once.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	b := newBench(t)
	// The log has a goroutine for its rotation, which must not be in the bubble.
	sink, err := logsink.Open(b.cfg.Name, b.cfg.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() }) // a life that never opens its log does not close it
	b.machine.OpenLog = func(_ string, o logsink.Options) (*logsink.Sink, error) {
		return sink, sink.SetLevel(o.Level)
	}
	synctest.Test(t, func(t *testing.T) {
		b.enter(t)
		test(t, b)
		time.Sleep(hanging) // a bubble ends with its last goroutine
	})
}

// hang ignores its context, and ends long after the life.
func hang() { time.Sleep(hanging) }

const hanging = 100 * time.Hour

// run runs the life in the background; end waits for it.
func (b *bench) run(ctx context.Context, p service.Program) {
	go func() { b.done <- b.machine.RunOn(ctx, b.host, b.cfg, p) }()
}

func (b *bench) end() error { return <-b.done }

// await waits until the host has been told of phase.
func (b *bench) await(phase platform.Phase) {
	b.t.Helper()
	for {
		select {
		case n := <-b.notice:
			if n.Phase == phase {
				return
			}
		case err := <-b.done:
			b.t.Fatalf("the life ended before %q: %v", phase, err)
		}
	}
}

// rest returns the notices to the host that have not been read yet.
func (b *bench) rest() iter.Seq[platform.Notice] {
	return func(yield func(platform.Notice) bool) {
		for len(b.notice) > 0 && yield(<-b.notice) {
			continue
		}
	}
}

func (b *bench) state() service.State {
	b.t.Helper()
	s, err := service.ReadState(filepath.Join(b.cfg.RuntimeDir, "feedd.state.json"))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

func (b *bench) logText() string {
	text, _ := os.ReadFile(b.cfg.Log.File)
	return string(text)
}

func (b *bench) stop() { b.ask(platform.RequestStop) }

// benchDir is like t.TempDir, but a lock that a life has abandoned may remain: on Windows
// nobody can remove its file before the process ends.
func benchDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "feedd") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
