// Package kept passes files of a program's state to a keeper, if there is one: systemd's file
// descriptor store, or holdfast's supervisor. The next process of the service takes them back.
// The files are memory, without a name in any file system: see memfd_create(2). Only Linux has
// them.
package kept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
)

// Limits of what is kept. It stays in memory while no process of the service exists.
const (
	MaxSize  = 8 << 20
	MaxFiles = 16
)

// Mark is the prefix of the names under which files are kept.
const Mark = "holdfast-kept."

// Options are the arguments of [Take].
type Options struct {
	Keeper platform.Keeper // who keeps files; nil: nobody does
	Log    *slog.Logger
	// Trial says that another version may replace this one in the same process. That version
	// gets only what the manager has passed to the process, so what is new is not kept before
	// the trial is over, and what is old stays: see [Set.Confirm].
	Trial bool
}

// A Set is the kept files of a service. Its methods may be called by several goroutines.
type Set struct {
	o Options

	mu     sync.Mutex
	all    []*file
	closed bool
}

// A file is kept under a name with a number that grows, so that a new one can be kept before
// the old one is forgotten.
type file struct {
	name   string
	number uint64
	old    []uint64 // numbers that the keeper still has to forget
	f      *os.File // a duplicate of ours, until it is taken or kept; nil: somebody else has it
	id     string   // of the memory
	given  bool     // to the program, or by it
	kept   bool
}

func (x *file) storedAs(number uint64) string {
	return Mark + x.name + "." + strconv.FormatUint(number, 10)
}

// Take takes the kept files out of handed, and returns the rest. It closes those that are not
// what was kept, and makes the keeper forget them.
func Take(ctx context.Context, handed []*os.File, o Options) (s *Set, rest []*os.File) {
	s = &Set{o: o}
	for _, f := range handed {
		suffix, ours := strings.CutPrefix(f.Name(), Mark)
		if !ours {
			rest = append(rest, f)
			continue
		}
		if err := s.takeBack(suffix, f); err != nil {
			o.Log.Warn("a file from the manager is not a kept file: it is closed", "name", f.Name(), "error", err)
			_ = f.Close()
			s.forget(ctx, f.Name())
		}
	}
	for _, x := range s.all {
		s.forgetOld(ctx, x)
	}
	return s, rest
}

// takeBack adds f. Of two files of one name the later one counts.
func (s *Set) takeBack(suffix string, f *os.File) error {
	dot := strings.LastIndexByte(suffix, '.')
	if dot < 0 {
		return errors.New("its name has no number")
	}
	number, err := strconv.ParseUint(suffix[dot+1:], 10, 64)
	if err != nil {
		return err
	}
	id, err := inspect(f)
	if err != nil {
		return err
	}
	x := s.named(suffix[:dot])
	switch {
	case x == nil:
		s.all = append(s.all, &file{name: suffix[:dot], number: number, f: f, id: id, kept: true})
	case x.number == number:
		return errors.New("there are two files of that name")
	case x.number > number:
		x.old = append(x.old, number)
		_ = f.Close()
	default:
		_ = x.f.Close()
		x.old, x.number, x.f, x.id = append(x.old, x.number), number, f, id
	}
	return nil
}

func (s *Set) named(name string) *file {
	for _, x := range s.all {
		if x.name == name {
			return x
		}
	}
	return nil
}

// Get returns the file that an earlier process has kept under name, from its beginning.
func (s *Set) Get(name string) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.named(name)
	if x == nil || x.given || x.f == nil {
		return nil, fmt.Errorf("kept file %q: %w", name, fs.ErrNotExist)
	}
	if _, err := x.f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("kept file %q: %w", name, err)
	}
	f := x.f
	x.f, x.given = nil, true
	return f, nil
}

// Keep keeps f under name, in place of an earlier file of that name.
func (s *Set) Keep(ctx context.Context, name string, f *os.File) error {
	err := platform.CheckName(name)
	if err == nil {
		err = s.keep(ctx, name, f)
	}
	if err != nil {
		return fmt.Errorf("keep file %q: %w", name, err)
	}
	return nil
}

func (s *Set) keep(ctx context.Context, name string, f *os.File) error {
	if s.o.Keeper == nil {
		return noKeeper()
	}
	id, err := inspect(f)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.named(name)
	switch {
	case s.closed:
		return fmt.Errorf("the service has stopped: %w", os.ErrClosed)
	case x != nil && x.given && x.id == id:
		return nil
	case x == nil && len(s.all) >= MaxFiles:
		return fmt.Errorf("%d files are kept already, which is the most", MaxFiles)
	case x == nil:
		x = &file{name: name}
	}
	duplicate, err := duplicate(f)
	if err != nil {
		return err
	}
	next := *x
	next.given, next.f, next.id = true, duplicate, id
	if x.kept {
		next.old, next.kept = append(slices.Clone(x.old), x.number), false
	}
	next.number = x.number + 1
	if !s.o.Trial {
		if err := s.pass(ctx, &next); err != nil {
			return err
		}
	}
	if x.f != nil {
		_ = x.f.Close()
	}
	*x = next
	if s.named(name) == nil {
		s.all = append(s.all, x)
	}
	return nil
}

// pass hands x to the keeper.
func (s *Set) pass(ctx context.Context, x *file) error {
	err := s.o.Keeper.Keep(ctx, x.storedAs(x.number), x.f)
	_ = x.f.Close()
	x.f = nil
	if errors.Is(err, platform.ErrUnsupported) {
		return noKeeper()
	}
	if err != nil {
		return err
	}
	x.kept = true
	s.forgetOld(ctx, x)
	return nil
}

func (s *Set) forgetOld(ctx context.Context, x *file) {
	for _, number := range x.old {
		s.forget(ctx, x.storedAs(number))
	}
	x.old = nil
}

func (s *Set) forget(ctx context.Context, name string) {
	if s.o.Keeper == nil {
		return
	}
	if err := s.o.Keeper.Forget(ctx, name); err != nil && !errors.Is(err, platform.ErrUnsupported) {
		s.o.Log.Warn("a file stays kept, because the manager could not be notified", "name", name, "error", err)
	}
}

// Confirm passes to the keeper what a version on trial has kept. Unless the program has taken
// them, it closes the files of earlier processes and makes the keeper forget them. It is called
// when the service is ready, and confirmed.
func (s *Set) Confirm(ctx context.Context) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.o.Trial = false
	s.all = slices.DeleteFunc(s.all, func(x *file) bool {
		switch {
		case !x.given:
			s.o.Log.Warn("the program did not take a file that was kept for it: it is closed", "name", x.name)
			_ = x.f.Close()
			s.forget(ctx, x.storedAs(x.number))
			return true
		case !x.kept && x.f != nil:
			if err := s.pass(ctx, x); err != nil {
				s.o.Log.Warn("a file is not kept", "name", x.name, "error", err)
			}
		}
		return false
	})
}

// Empty reports whether nothing is kept.
func (s *Set) Empty() bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) == 0
}

// Close closes the files that the program has not taken. What is kept stays so.
func (s *Set) Close() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, x := range s.all {
		if x.f != nil {
			_ = x.f.Close()
			x.f = nil
		}
	}
}

// noKeeper returns the error of a service that has nobody to keep files.
func noKeeper() error { return unsupported("no manager or supervisor of this service keeps files") }

// unsupported returns an error that says why nothing is kept.
func unsupported(why string) error {
	return fmt.Errorf("%s: %w", why, errors.ErrUnsupported)
}
