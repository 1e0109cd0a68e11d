package kardianos_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

type byValue struct{ service.System }

type byPointer struct {
	Note string
	In   service.System
}

func (b *byPointer) String() string    { return b.In.String() }
func (b *byPointer) Detect() bool      { return b.In.Detect() }
func (b *byPointer) Interactive() bool { return b.In.Interactive() }
func (b *byPointer) New(i service.Interface, c *service.Config) (service.Service, error) {
	return b.In.New(i, c)
}

type closed struct{ in service.System }

func (c closed) String() string    { return c.in.String() }
func (c closed) Detect() bool      { return c.in.Detect() }
func (c closed) Interactive() bool { return c.in.Interactive() }
func (c closed) New(i service.Interface, cfg *service.Config) (service.Service, error) {
	return c.in.New(i, cfg)
}

// Names, the order of what is adopted, and wrappers around it stay.
func TestAdopt(t *testing.T) {
	before := service.AvailableSystems()
	chosen := service.Platform()
	t.Cleanup(func() { service.ChooseSystem(before...) })
	kardianos.Adopt()
	once := service.AvailableSystems()
	kardianos.Adopt()
	for i, s := range service.AvailableSystems() {
		if s.String() != before[i].String() || s != once[i] {
			t.Errorf("%s became %s, %T then %T", before[i], s, once[i], s)
		}
	}
	if got := service.Platform(); got != chosen {
		t.Errorf("%s became %s", chosen, got)
	}
	if _, err := service.New(nil, &service.Config{}); err != service.ErrNameFieldRequired { //nolint:errorlint // as programs do
		t.Error(err)
	}
	s, err := service.ChosenSystem().New(nil, &service.Config{Name: "feed"})
	if err != nil || s.String() != "feed" || s.Platform() != chosen {
		t.Errorf("%v, %v", s, err)
	}
	odd, err := service.New(nil, &service.Config{Name: "a name with spaces"})
	if err != nil || odd.String() != "a name with spaces" {
		t.Errorf("%v, %v", odd, err)
	}
}

// A wrapper that was chosen before wraps ours after it.
func TestAdoptWithinAWrapper(t *testing.T) {
	before := service.AvailableSystems()
	t.Cleanup(func() { service.ChooseSystem(before...) })
	plain := service.ChosenSystem()
	kind := func(s service.System) string {
		made, err := s.New(nil, &service.Config{Name: "feed"})
		if err != nil {
			t.Fatal(err)
		}
		return typeOf(made)
	}
	pointer := &byPointer{Note: "kept", In: plain}
	for _, wrapper := range []service.System{byValue{plain}, pointer} {
		service.ChooseSystem(wrapper)
		kardianos.Adopt()
		got := service.ChosenSystem()
		if typeOf(got) != typeOf(wrapper) {
			t.Errorf("%T became %T", wrapper, got)
		}
		if k := kind(got); k == kind(plain) {
			t.Errorf("%T makes a %s", wrapper, k)
		}
	}
	if service.ChosenSystem() != service.System(pointer) || pointer.Note != "kept" {
		t.Error("it is another one")
	}
	service.ChooseSystem(closed{plain})
	kardianos.Adopt()
	if _, same := service.ChosenSystem().(closed); !same {
		t.Errorf("became %T", service.ChosenSystem())
	}
}

func typeOf(v any) string { return fmt.Sprintf("%T", v) }

// roomless is a machine that is run by a system that holdfast has no manager for.
type roomless struct{ service.System }

func (roomless) Detect() bool { return true }

// Where holdfast has no manager the library's own does everything, and says what it said.
func TestNoRoom(t *testing.T) {
	before := service.AvailableSystems()
	t.Cleanup(func() { service.ChooseSystem(before...) })
	tried := 0
	for _, plain := range before {
		if kardianos.HasManager(plain.String()) {
			continue
		}
		tried++
		service.ChooseSystem(roomless{plain})
		kardianos.Adopt()
		c := &service.Config{Name: "feed-of-nobody"}
		ours, err := service.New(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := plain.New(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		if service.Platform() != plain.String() || ours.Platform() != theirs.Platform() || ours.String() != theirs.String() {
			t.Errorf("%s became %s, %s", plain, service.Platform(), ours.Platform())
		}
		got, err := ours.Status()
		want, wantErr := theirs.Status()
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: status is %v, %v; want %v, %v", plain, got, err, want, wantErr)
		}
		if typeOf(ours) == "*kardianos.adoptee" {
			t.Errorf("%s: a service by a manager that is not there", plain)
		}
	}
	if tried == 0 && runtime.GOOS == "linux" {
		t.Error("there is no such system")
	}
}
