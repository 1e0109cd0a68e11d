//go:build linux || darwin || windows

package service_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service"
)

func TestExtensionsBeginBeforeTheProgramAndEndAfterIt(t *testing.T) {
	b := newBench(t)
	var order []string
	say := func(what string) func(context.Context) error {
		return func(context.Context) error { order = append(order, what); return nil }
	}
	b.cfg.File = write(t, "[service.beacon]\nlisten = \"here\"\n")
	b.cfg.Extensions = []service.Extension{&extension{attach: func(_ context.Context, rt *service.Runtime, table any) error {
		if got := table.(*beacon); got.Listen != "here" || rt.State().Phase != platform.PhaseStarting {
			t.Errorf("%+v in phase %s", got, rt.State().Phase)
		}
		rt.OnStop("beacon", 0, say("extension ends"))
		return say("extension")(t.Context())
	}}}
	b.run(t.Context(), &program{
		start: func(_ context.Context, rt *service.Runtime) error {
			rt.OnStop("file", 0, say("step of the program"))
			return say("Start")(t.Context())
		},
		stop: say("Stop"),
	})
	b.await(platform.PhaseReady)
	b.stop()
	if err := b.end(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"extension", "Start", "Stop", "step of the program", "extension ends"}; !slices.Equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

func TestAnExtensionThatFailsFailsTheStart(t *testing.T) {
	broken := errors.New("no room")
	for name, attach := range map[string]func(context.Context, *service.Runtime, any) error{
		"error": func(context.Context, *service.Runtime, any) error { return broken },
		"panic": func(context.Context, *service.Runtime, any) error { panic(broken) },
	} {
		b := newBench(t)
		b.cfg.Extensions = []service.Extension{&extension{attach: attach}}
		b.run(t.Context(), &program{start: func(context.Context, *service.Runtime) error {
			t.Errorf("%s: the program is started all the same", name)
			return nil
		}})
		err := b.end()
		if _, panicked := errors.AsType[*service.PanicError](err); !errors.Is(err, broken) && !panicked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The durations of reloads and of the steps of a stop are recorded, for the next run and for
// metrics.
func TestDurationsAreKept(t *testing.T) {
	const took = time.Second
	refuse := errors.New("no")
	var lives service.Config
	inBubble(t, func(t *testing.T, b *bench) {
		lives = b.cfg
		var rt *service.Runtime
		outcomes := make(chan error, 2)
		outcomes <- nil
		outcomes <- refuse
		b.run(t.Context(), &program{
			start: func(_ context.Context, r *service.Runtime) error {
				rt = r
				rt.OnStop("flush", 0, func(context.Context) error {
					if now := rt.State().Stop; now == nil || now.Now != "flush" {
						t.Errorf("in the step: %+v", now)
					}
					time.Sleep(took)
					return nil
				})
				return nil
			},
			reload: func(context.Context) error { time.Sleep(took); return <-outcomes },
		})
		b.await(platform.PhaseReady)
		_ = rt.Reload(t.Context())
		first := rt.State().Reloads
		err := rt.Reload(t.Context())
		second := rt.State().Reloads
		if !errors.Is(err, refuse) || first.LastTook != took || first.Took != took || second.LastTook != took || second.Took != 2*took {
			t.Errorf("%v: %+v, %+v", err, first, second)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Fatal(err)
		}
	})
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg = lives
		var rt *service.Runtime
		b.run(t.Context(), &program{start: func(_ context.Context, r *service.Runtime) error { rt = r; return nil }})
		b.await(platform.PhaseReady)
		var names []string
		for _, s := range rt.Recovery().Steps {
			names = append(names, s.Name)
			if flush := s.Name == "flush"; flush != (s.Took == took) {
				t.Errorf("%s took %v", s.Name, s.Took)
			}
		}
		if want := []string{"end of Start", "end of reload", "Stop", "goroutines", "flush"}; !slices.Equal(names, want) {
			t.Errorf("steps of the last stop: %q, want %q", names, want)
		}
		b.stop()
		if err := b.end(); err != nil {
			t.Fatal(err)
		}
	})
}
