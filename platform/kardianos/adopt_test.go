package kardianos_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/kardianos/service"

	"github.com/holdfast-dev/holdfast/platform/kardianos"
)

// Adopt keeps the names, the order of the systems, and wrappers around them.
func TestAdopt(t *testing.T) {
	before, chosen := restored(t), service.Platform()
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
	if err := s.Run(); err == nil { // the library cannot run such a service either: it panics
		t.Error("it ran")
	}
	odd, err := service.New(nil, &service.Config{Name: "a name with spaces"})
	if err != nil || odd.String() != "a name with spaces" {
		t.Errorf("%v, %v", odd, err)
	}
	if s, err := service.ChosenSystem().New(nil, nil); s == nil || err != nil { // the library accepts this
		t.Errorf("%v, %v", s, err)
	}
}

func typeOf(v any) string { return fmt.Sprintf("%T", v) }

// restored restores the library's choice at the end of the test.
func restored(t *testing.T) []service.System {
	t.Helper()
	before := service.AvailableSystems()
	t.Cleanup(func() { service.ChooseSystem(before...) })
	return before
}

// A service that was made earlier stays the library's. A system that the program chooses later
// is adopted again.
func TestAdoptAfterNew(t *testing.T) {
	plain := restored(t)
	kinds := func() (all []string) {
		for range 2 {
			s, err := service.New(nil, &service.Config{Name: "feed"})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, typeOf(s))
			kardianos.Adopt()
			if s.String() != "feed" || s.Platform() != service.Platform() {
				t.Errorf("%T is %s on %s", s, s, s.Platform())
			}
		}
		return all
	}
	for range 2 {
		service.ChooseSystem(plain...)
		if all := kinds(); all[0] == all[1] || all[1] != ours {
			t.Errorf("got %q", all)
		}
	}
}

// ours is the type of a service of holdfast.
const ours = "*kardianos.adoptee"

// roomless is a system for which holdfast has no manager, and which runs the machine.
type roomless struct{ service.System }

func (roomless) Detect() bool { return true }

// If holdfast has no manager, the library does everything, with its own messages.
func TestNoRoom(t *testing.T) {
	before := restored(t)
	tried := 0
	for _, plain := range before {
		if kardianos.HasManager(plain.String()) {
			continue
		}
		tried++
		service.ChooseSystem(roomless{plain})
		kardianos.Adopt()
		c := &service.Config{Name: "feed-of-nobody"}
		adopted, err := service.New(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := plain.New(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		if service.Platform() != plain.String() || adopted.Platform() != theirs.Platform() || adopted.String() != theirs.String() {
			t.Errorf("%s became %s, %s", plain, service.Platform(), adopted.Platform())
		}
		got, err := adopted.Status()
		want, wantErr := theirs.Status()
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: status is %v, %v; want %v, %v", plain, got, err, want, wantErr)
		}
		if typeOf(adopted) == ours {
			t.Errorf("%s: a service by a manager that is not there", plain)
		}
	}
	if tried == 0 && runtime.GOOS == "linux" {
		t.Error("there is no such system")
	}
}
