package kept_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
)

// commands begins a process of a service that has a command.
func (s *store) commands(change func(*kept.Options)) (d *kept.Descriptors, rest []*os.File) {
	s.t.Helper()
	var handed []*os.File
	for _, f := range s.files {
		handed = append(handed, another(s.t, f, f.Name()))
	}
	o := kept.Options{Keeper: s, Log: slog.New(slog.NewTextHandler(&s.log, nil))}
	if change != nil {
		change(&o)
	}
	s.heard = nil
	d, rest = kept.TakeDescriptors(s.t.Context(), handed, o)
	s.t.Cleanup(d.Close)
	return d, rest
}

// raw returns a descriptor that Keep may close.
func raw(t *testing.T, f *os.File) int {
	t.Helper()
	n, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// passes returns what the next life of the command gets.
func passes(t *testing.T, d *kept.Descriptors, want ...string) {
	t.Helper()
	var got []string
	for _, f := range d.Pass(t.Context()) {
		got = append(got, f.Name())
		_ = f.Close()
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("passes %q, want %q", got, want)
	}
}

func keeps(t *testing.T, d *kept.Descriptors, name string, f *os.File, watched bool) {
	t.Helper()
	if err := d.Keep(t.Context(), name, raw(t, f), watched); err != nil {
		t.Fatal(err)
	}
}

// The next process of the service gets whatever a command has stored, of any kind and name.
// None of the service's own descriptors is taken for one of these.
func TestDescriptorsOfACommand(t *testing.T) {
	s := newStore(t)
	d, _ := s.commands(nil)
	one := memory(t, "one")
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	keeps(t, d, "a.b", one, true)
	keeps(t, d, "again", one, true) // it is the same
	keeps(t, d, "holdfast-kept.a.1", pipe, true)
	keeps(t, d, "no:name", memory(t, "x"), false)
	s.heardOnly("keep holdfast-command.w1.a.b", "keep holdfast-command.w2.holdfast-kept.a.1", "keep holdfast-command.p3.stored")
	passes(t, d, "a.b", "holdfast-kept.a.1", "stored")
	d.Close()
	d.Close()
	if d.Empty() || !(*kept.Descriptors)(nil).Empty() {
		t.Error("what is kept after the end is not told")
	}
	if err := d.Keep(t.Context(), "late", raw(t, one), true); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}

	s.files = append(s.files, another(t, one, kept.Mark+"mine.1"), another(t, one, "holdfast.api"), another(t, one, kept.DescriptorMark+"x"), another(t, one, kept.DescriptorMark+"wx.y"))
	d, rest := s.commands(nil)
	if len(rest) != 2 || rest[0].Name() != kept.Mark+"mine.1" {
		t.Errorf("rest %v", rest)
	}
	s.heardOnly("forget holdfast-command.x", "forget holdfast-command.wx.y")
	_ = other.Close() // who is watched is let go of
	passes(t, d, "a.b", "stored")
	s.heardOnly("forget holdfast-command.w2.holdfast-kept.a.1")
	keeps(t, d, "more", memory(t, "more"), true)
	d.Forget(t.Context(), "a.b")
	d.Forget(t.Context(), "nobody")
	s.heardOnly("keep holdfast-command.w4.more", "forget holdfast-command.w1.a.b")
	d.Confirm(t.Context())
	s.heardOnly()
	passes(t, d, "stored", "more")
}

// A descriptor that is not watched stays, even if its other end is closed. The number of
// descriptors and the length of names are limited.
func TestDescriptorsOfACommandHaveLimits(t *testing.T) {
	s := newStore(t)
	d, _ := s.commands(nil)
	if err := d.Keep(t.Context(), strings.Repeat("x", 201), raw(t, memory(t, "")), true); err == nil || !strings.Contains(err.Error(), "FDNAME has 201 bytes") {
		t.Error(err)
	}
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	_ = other.Close()
	for i := range kept.MaxDescriptors {
		f := memory(t, "")
		if i == 0 {
			f = pipe
		}
		keeps(t, d, strings.Repeat("x", 200), f, false)
	}
	if err := d.Keep(t.Context(), "x", raw(t, memory(t, "")), true); err == nil || !strings.Contains(err.Error(), "32 descriptors are kept already") {
		t.Error(err)
	}
	for _, f := range s.files {
		if n := len(f.Name()); n > 255 {
			t.Errorf("a name of %d bytes, which systemd refuses", n)
		}
	}
}

// Without a keeper, descriptors are kept for the next life of the command. That is logged
// once.
func TestDescriptorsOfACommandWithoutAKeeper(t *testing.T) {
	for name, change := range map[string]func(*store, *kept.Options){
		"nobody":  func(_ *store, o *kept.Options) { o.Keeper = nil },
		"cannot":  func(s *store, _ *kept.Options) { s.fails = platform.ErrUnsupported },
		"refuses": func(s *store, _ *kept.Options) { s.fails = errors.New("no room") },
	} {
		s := newStore(t)
		d, _ := s.commands(func(o *kept.Options) { change(s, o) })
		keeps(t, d, "a", memory(t, "a"), true)
		keeps(t, d, "b", memory(t, "b"), true)
		passes(t, d, "a", "b")
		d.Forget(t.Context(), "a")
		passes(t, d, "b")
		says, times := "keeps no descriptors", 1
		if name == "refuses" {
			says, times = "no room", 2
		}
		if n := strings.Count(s.log.String(), says); n != times {
			t.Errorf("%s: said %d times\n%s", name, n, s.log.String())
		}
	}
}

// Until it is confirmed, a version on trial changes nothing that the confirmed version may
// need again.
func TestDescriptorsOfACommandOnTrial(t *testing.T) {
	s := newStore(t)
	d, _ := s.commands(nil)
	keeps(t, d, "old", memory(t, "old"), true)
	keeps(t, d, "both", memory(t, "both"), true)
	d.Close()
	for _, confirmed := range []bool{false, true} {
		d, _ = s.commands(func(o *kept.Options) { o.Trial = true })
		passes(t, d, "old", "both")
		d.Forget(t.Context(), "old")
		keeps(t, d, "new", memory(t, "new"), true)
		keeps(t, d, "short", memory(t, "short"), true)
		d.Forget(t.Context(), "short")
		s.heardOnly()
		passes(t, d, "both", "new")
		if confirmed {
			d.Confirm(t.Context())
			s.heardOnly("forget holdfast-command.w1.old", "keep holdfast-command.w3.new")
		}
		d.Close()
	}
	d, _ = s.commands(nil)
	passes(t, d, "both", "new")
}

// A service that has no command any more keeps no descriptors for one.
func TestDescriptorsOfNoCommand(t *testing.T) {
	s := newStore(t)
	d, _ := s.commands(nil)
	keeps(t, d, "a", memory(t, "a"), true)
	d.Close()
	d, _ = s.commands(nil)
	d.Confirm(t.Context())
	s.heardOnly("forget holdfast-command.w1.a")
	if !strings.Contains(s.log.String(), "for a command that does not ask for them") {
		t.Error(s.log.String())
	}
	(*kept.Descriptors)(nil).Confirm(t.Context()) // a life that has not come to it
	if got := kept.FromContext(context.Background(), slog.New(slog.NewTextHandler(&s.log, nil))).Pass(t.Context()); len(got) != 0 {
		t.Error(got)
	}
	if kept.FromContext(kept.NewContext(t.Context(), d), nil) != d {
		t.Error("it is another")
	}
}
