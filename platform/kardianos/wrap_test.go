package kardianos_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

type embeds struct{ service.System }

type byPointer struct {
	Text string
	In   service.System
}

func (b *byPointer) String() string    { return b.In.String() }
func (b *byPointer) Detect() bool      { return b.In.Detect() }
func (b *byPointer) Interactive() bool { return b.In.Interactive() }
func (b *byPointer) Note() string      { return b.Text }
func (b *byPointer) New(i service.Interface, c *service.Config) (service.Service, error) {
	return b.In.New(i, c)
}

type hides struct{ inner service.System }

func (h hides) String() string    { return h.inner.String() }
func (h hides) Detect() bool      { return h.inner.Detect() }
func (h hides) Interactive() bool { return h.inner.Interactive() }
func (h hides) New(i service.Interface, c *service.Config) (service.Service, error) {
	return h.inner.New(i, c)
}

type noted interface {
	service.System
	Note() string
}

// A wrapper that was chosen earlier wraps ours afterwards, however it stores the wrapped
// system, and is adopted only once.
func TestAdoptWithinAWrapper(t *testing.T) {
	plain := service.ChosenSystem()
	for name, wrapper := range map[string]service.System{
		"embeds":          embeds{plain},
		"pointer":         &byPointer{Text: "kept", In: plain},
		"not exported":    hides{plain},
		"in a struct":     struct{ hides }{hides{plain}},
		"behind pointers": struct{ *hides }{&hides{plain}},
		"several times":   embeds{struct{ *byPointer }{&byPointer{Text: "kept", In: hides{plain}}}},
		"own interface":   struct{ noted }{&byPointer{Text: "kept", In: plain}},
		"not comparable": struct {
			service.System
			also []string
		}{plain, []string{"kept"}},
	} {
		t.Run(name, func(t *testing.T) {
			restored(t)
			service.ChooseSystem(wrapper)
			for range 2 {
				kardianos.Adopt()
				if got := service.ChosenSystem(); typeOf(got) != typeOf(wrapper) || got.String() != plain.String() {
					t.Errorf("%T became %T, %s", wrapper, got, got)
				}
				if s, err := service.New(nil, &service.Config{Name: "feed"}); typeOf(s) != ours {
					t.Errorf("it makes a %T, %v", s, err)
				}
			}
			if p, is := wrapper.(*byPointer); is && (service.ChosenSystem() != wrapper || p.Text != "kept") {
				t.Error("it is another one")
			}
		})
	}
}

// number is a System that cannot contain another one.
type number int

func (number) String() string    { return "none" }
func (number) Detect() bool      { return true }
func (number) Interactive() bool { return true }
func (number) New(service.Interface, *service.Config) (service.Service, error) {
	return nil, errors.ErrUnsupported
}

// circle contains itself.
type circle struct {
	service.System
	Again *circle
}

// absent is used as a nil pointer.
type absent struct{ service.System }

func (*absent) Detect() bool { return false }

// A System that contains no other stays unchanged, and one that contains itself is followed
// once.
func TestAdoptLeavesAlone(t *testing.T) {
	restored(t)
	itself := &circle{System: service.ChosenSystem()}
	itself.Again = itself
	for _, odd := range []service.System{number(1), struct{ service.System }{number(1)}, itself} {
		service.ChooseSystem((*absent)(nil), odd)
		kardianos.Adopt()
		if got := service.ChosenSystem(); got != odd {
			t.Errorf("%T became %T", odd, got)
		}
	}
	if s, err := service.New(nil, &service.Config{Name: "feed"}); typeOf(s) != ours {
		t.Errorf("%T, %v", s, err)
	}
	service.ChooseSystem()
	kardianos.Adopt()
	if _, err := service.New(nil, &service.Config{Name: "feed"}); !errors.Is(err, service.ErrNoServiceSystemDetected) {
		t.Error(err)
	}
}

// Several goroutines may call Adopt at once, and a repeated call does not disturb users of the
// library. There was a race for the library's choice.
func TestAdoptFromSeveralGoroutines(t *testing.T) {
	plain := restored(t)
	at := func(what ...func()) {
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			for _, do := range what {
				all.Go(func() {
					<-begin
					do()
				})
			}
		}
		close(begin)
		all.Wait()
	}
	for _, systems := range [][]service.System{plain, {&byPointer{In: plain[0]}, embeds{roomless{plain[0]}}}} {
		service.ChooseSystem(systems...)
		at(kardianos.Adopt)
		at(kardianos.Adopt, func() {
			if s, err := service.New(nil, &service.Config{Name: "feed"}); err != nil || s.Platform() != service.Platform() {
				t.Errorf("%v, %v", s, err)
			}
			_ = fmt.Sprint(service.Interactive(), service.ChosenSystem(), service.AvailableSystems())
		})
	}
}

// panics panics once, in Detect.
type panics struct {
	service.System
	asked *int
}

func (p panics) Detect() bool {
	if *p.asked++; *p.asked == 2 {
		panic("no luck today")
	}
	return true
}

// If a System of the program panics, so does Adopt. The next call of Adopt does what is left
// to do.
func TestAdoptPanics(t *testing.T) {
	restored(t)
	service.ChooseSystem(panics{service.ChosenSystem(), new(int)})
	func() {
		defer func() {
			if got := recover(); got != "no luck today" {
				t.Errorf("recovered %v", got)
			}
		}()
		kardianos.Adopt()
	}()
	kardianos.Adopt()
	if s, err := service.New(nil, &service.Config{Name: "feed"}); typeOf(s) != ours {
		t.Errorf("it makes a %T, %v", s, err)
	}
}
