package reload_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/holdfast-dev/holdfast/reload"
)

// serve runs the gate for the life of the test and returns what ends it.
func serve(t *testing.T, g *reload.Gate, fn func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Serve(ctx, fn) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func TestRequestsBeforeReadyAreHeldAndJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := reload.New()
		var runs atomic.Int32
		serve(t, g, func(context.Context) error { runs.Add(1); return nil })

		var early []*reload.Ticket
		for range 100 {
			early = append(early, g.Request())
		}
		synctest.Wait()
		if n := runs.Load(); n != 0 {
			t.Fatalf("%d reloads before the gate opened", n)
		}
		g.Open()
		for _, tk := range early {
			if err := tk.Err(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := runs.Load(); n != 1 {
			t.Fatalf("100 early requests made %d reloads, want exactly 1", n)
		}
	})
}

// A request that comes while a reload runs must not be answered by it: that
// reload may have read the configuration before the requester changed it.
//
//	reload 1:  read config ............ done
//	operator:         edit, request ->        must see reload 2
func TestRequestDuringReloadGetsTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := reload.New()
		g.Open()
		var runs atomic.Int32
		block := make(chan struct{})
		serve(t, g, func(context.Context) error {
			n := runs.Add(1)
			if n == 1 {
				<-block
				return nil
			}
			return fmt.Errorf("outcome of reload %d", n)
		})
		first := g.Request()
		synctest.Wait() // reload 1 runs
		var storm []*reload.Ticket
		for range 50 {
			storm = append(storm, g.Request())
		}
		close(block)
		if err := first.Err(); err != nil {
			t.Errorf("first requester got %v, want the outcome of reload 1", err)
		}
		for _, tk := range storm {
			if err := tk.Err(); err == nil || err.Error() != "outcome of reload 2" {
				t.Fatalf("a request made during reload 1 got %v", err)
			}
		}
		synctest.Wait()
		if n := runs.Load(); n != 2 {
			t.Errorf("%d reloads for a storm of 50 during one, want 2", n)
		}
		want := reload.Stats{Requested: 51, Started: 2, Completed: 2, Failed: 1}
		if got := g.Stats(); got != want {
			t.Errorf("stats %+v, want %+v", got, want)
		}
	})
}

func TestAfterStopBeganEveryoneGetsErrStopping(t *testing.T) {
	for _, opened := range []bool{false, true} {
		t.Run(fmt.Sprintf("opened=%v", opened), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := reload.New()
				entered := make(chan struct{})
				if opened {
					g.Open()
				}
				stop := serve(t, g, func(ctx context.Context) error {
					close(entered)
					<-ctx.Done()
					return context.Cause(ctx)
				})
				running := g.Request()
				waiting := running
				if opened {
					<-entered
					waiting = g.Request()
				}
				stop()
				if err := waiting.Err(); !errors.Is(err, reload.ErrStopping) {
					t.Errorf("waiting: %v, want ErrStopping", err)
				}
				if opened {
					if err := running.Err(); !errors.Is(err, context.Canceled) {
						t.Errorf("running: %v, want what the reload returned", err)
					}
				}
				if err := g.Request().Err(); !errors.Is(err, reload.ErrStopping) {
					t.Errorf("late: %v, want ErrStopping", err)
				}
			})
		})
	}
}

func TestWaitGivesUpWithTheContext(t *testing.T) {
	g := reload.New() // never opened
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := g.Reload(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v, want the cause", err)
	}
}

// Every outcome must come from a reload that started after its request, with
// any interleaving of requesters, reloads and Close.
func TestOutcomeStartsAfterRequest(t *testing.T) {
	g := reload.New()
	g.Open()
	var clock atomic.Int64
	type outcome struct {
		error
		started int64
	}
	stop := serve(t, g, func(context.Context) error {
		return outcome{errors.New("x"), clock.Add(1)}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				asked := clock.Add(1)
				var o outcome
				if err := g.Reload(context.Background()); !errors.As(err, &o) {
					t.Errorf("unexpected outcome %v", err)
				} else if o.started < asked {
					t.Errorf("asked at %d, answered by the reload of %d", asked, o.started)
				}
			}
		})
	}
	wg.Wait()
	stop()
	s := g.Stats()
	if s.Started != s.Completed || s.Requested != 16000 {
		t.Errorf("stats %+v", s)
	}
}

func TestCloseLosesNobody(t *testing.T) {
	for range 500 {
		g := reload.New()
		ctx, cancel := context.WithCancel(context.Background())
		var served sync.WaitGroup
		served.Go(func() { g.Serve(ctx, func(context.Context) error { return nil }) })
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 20 {
					if err := g.Reload(t.Context()); err != nil && !errors.Is(err, reload.ErrStopping) {
						t.Errorf("%v", err)
					}
				}
			})
		}
		g.Open()
		cancel()
		wg.Wait()
		served.Wait()
	}
}

func TestRequestAllocatesNothingWhenOneIsPending(t *testing.T) {
	g := reload.New()
	g.Request()
	if n := testing.AllocsPerRun(1000, func() { g.Request() }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func ExampleGate() {
	g := reload.New()
	early := g.Request() // a SIGHUP before the program is ready
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Serve(ctx, func(context.Context) error {
			fmt.Println("reloading")
			return errors.New("port: not a number")
		})
	}()
	fmt.Println("ready")
	g.Open()
	fmt.Println("outcome:", early.Err())
	cancel()
	<-done
	fmt.Println("late:", g.Reload(context.Background()))
	// Output:
	// ready
	// reloading
	// outcome: port: not a number
	// late: not reloaded: the service is stopping
}
