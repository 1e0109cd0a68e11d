package kept_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
)

// A store is a keeper.
type store struct {
	t     *testing.T
	files []*os.File
	heard []string
	fails error
	log   bytes.Buffer
}

func newStore(t *testing.T) *store {
	t.Helper()
	s := &store{t: t}
	t.Cleanup(func() {
		for _, f := range s.files {
			_ = f.Close()
		}
	})
	return s
}

func (s *store) Keep(_ context.Context, name string, f *os.File) error {
	s.heard = append(s.heard, "keep "+name)
	if s.fails != nil {
		return s.fails
	}
	s.files = append(s.files, another(s.t, f, name))
	return nil
}

func (s *store) Forget(_ context.Context, name string) error {
	s.heard = append(s.heard, "forget "+name)
	s.files = slices.DeleteFunc(s.files, func(f *os.File) bool {
		if f.Name() != name {
			return false
		}
		_ = f.Close()
		return true
	})
	return nil
}

// process begins a process of the service. change may be nil.
func (s *store) process(change func(*kept.Options)) (set *kept.Set, rest []*os.File) {
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
	set, rest = kept.Take(s.t.Context(), handed, o)
	s.t.Cleanup(set.Close)
	return set, rest
}

func another(t *testing.T, f *os.File, name string) *os.File {
	t.Helper()
	n, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(n), name) //nolint:gosec // a descriptor
}

func memory(t *testing.T, text string) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "test") //nolint:gosec // a descriptor
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	return f
}

func has(t *testing.T, set *kept.Set, name, want string) *os.File {
	t.Helper()
	f, err := set.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if got, err := io.ReadAll(f); err != nil || string(got) != want {
		t.Fatalf("%q, %v, want %q", got, err, want)
	}
	return f
}

func (s *store) heardOnly(want ...string) {
	s.t.Helper()
	if !slices.Equal(s.heard, want) {
		s.t.Errorf("heard %q, want %q", s.heard, want)
	}
	s.heard = nil
}

// A kept file goes from process to process, including what is written to it later.
func TestFromProcessToProcess(t *testing.T) {
	s := newStore(t)
	set, rest := s.process(nil)
	if _, err := set.Get("a.b"); !errors.Is(err, fs.ErrNotExist) || len(rest) > 0 {
		t.Errorf("%v, rest %v", err, rest)
	}
	f := memory(t, "one")
	if err := set.Keep(t.Context(), "a.b", f); err != nil {
		t.Fatal(err)
	}
	set.Confirm(t.Context())
	if _, err := f.WriteString(" and two"); err != nil {
		t.Fatal(err)
	}
	set.Close()
	s.heardOnly("keep holdfast-kept.a.b.1")

	set, _ = s.process(nil)
	f = has(t, set, "a.b", "one and two")
	if _, err := set.Get("a.b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second time: %v", err)
	}
	if err := set.Keep(t.Context(), "a.b", f); err != nil {
		t.Fatal(err)
	}
	set.Confirm(t.Context())
	s.heardOnly() // it is kept as it is
	if err := set.Keep(t.Context(), "a.b", memory(t, "three")); err != nil {
		t.Fatal(err)
	}
	s.heardOnly("keep holdfast-kept.a.b.2", "forget holdfast-kept.a.b.1")
	set.Close()
	if err := set.Keep(t.Context(), "a.b", f); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	set, _ = s.process(nil)
	has(t, set, "a.b", "three")
}

// A process that was killed between its two messages to the keeper has left both files. The
// later one counts.
func TestTheLaterOneCounts(t *testing.T) {
	for _, order := range [][]string{{"a.9", "a.10"}, {"a.10", "a.9"}} {
		s := newStore(t)
		for _, name := range order {
			s.files = append(s.files, another(t, memory(t, name), kept.Mark+name))
		}
		set, _ := s.process(nil)
		has(t, set, "a", "a.10")
		s.heardOnly("forget holdfast-kept.a.9")
	}
}

// Anything that is no kept file, and any file that the program does not take, is logged,
// closed and forgotten.
func TestWhatWasHandedOverIsChecked(t *testing.T) {
	s := newStore(t)
	named, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	large := memory(t, "")
	if err := large.Truncate(kept.MaxSize + 1); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*os.File{
		kept.Mark + "file.1": named, kept.Mark + "large.1": large, kept.Mark + "none": memory(t, ""), kept.Mark + "word.x": memory(t, ""),
		"http": named, kept.Mark + "surplus.1": memory(t, "x"),
	} {
		s.files = append(s.files, another(t, f, name))
	}
	set, rest := s.process(nil)
	if len(rest) != 1 || rest[0].Name() != "http" {
		t.Errorf("rest %v", rest)
	}
	slices.Sort(s.heard)
	s.heardOnly("forget holdfast-kept.file.1", "forget holdfast-kept.large.1", "forget holdfast-kept.none", "forget holdfast-kept.word.x")
	set.Confirm(t.Context())
	s.heardOnly("forget holdfast-kept.surplus.1")
	for _, want := range []string{"it is not memory of memfd_create(2)", "8388609 bytes", "its name has no number", "the program did not take a file that was kept for it"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, s.log.String())
		}
	}
}

func TestKeepRefuses(t *testing.T) {
	s := newStore(t)
	set, _ := s.process(nil)
	pipe, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer other.Close()
	if err := set.Keep(t.Context(), "a", pipe); err == nil || !strings.Contains(err.Error(), `keep file "a": it is not memory of memfd_create(2)`) {
		t.Error(err)
	}
	if err := set.Keep(t.Context(), "a:b", memory(t, "")); !errors.Is(err, platform.ErrBadUnit) {
		t.Error(err)
	}
	for i := range kept.MaxFiles {
		if err := set.Keep(t.Context(), fmt.Sprint("n", i), memory(t, "")); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Keep(t.Context(), "a", memory(t, "")); err == nil || !strings.Contains(err.Error(), "16 files are kept already") {
		t.Error(err)
	}
	for name, change := range map[string]func(*kept.Options){
		"nobody": func(o *kept.Options) { o.Keeper = nil },
		"cannot": func(*kept.Options) { s.fails = platform.ErrUnsupported },
	} {
		set, _ := s.process(change)
		if err := set.Keep(t.Context(), "n1", memory(t, "")); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A version on trial takes what was kept. What it keeps itself counts once it is confirmed.
func TestOnTrial(t *testing.T) {
	s := newStore(t)
	set, _ := s.process(nil)
	if err := set.Keep(t.Context(), "a", memory(t, "old")); err != nil {
		t.Fatal(err)
	}
	if err := set.Keep(t.Context(), "b", memory(t, "only the old version's")); err != nil {
		t.Fatal(err)
	}
	set.Close()
	onTrial := func(o *kept.Options) { o.Trial = true }
	for _, confirmed := range []bool{false, true} {
		set, _ = s.process(onTrial)
		has(t, set, "a", "old")
		for _, text := range []string{"first", "new"} {
			if err := set.Keep(t.Context(), "a", memory(t, text)); err != nil {
				t.Fatal(err)
			}
		}
		s.heardOnly()
		if confirmed {
			set.Confirm(t.Context())
		}
		set.Close()
	}
	slices.Sort(s.heard)
	if len(s.heard) != 3 || !strings.HasPrefix(s.heard[0], "forget holdfast-kept.a.1") || !strings.HasPrefix(s.heard[1], "forget holdfast-kept.b.1") {
		t.Errorf("heard %q", s.heard)
	}
	set, _ = s.process(nil)
	has(t, set, "a", "new")
	if _, err := set.Get("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
