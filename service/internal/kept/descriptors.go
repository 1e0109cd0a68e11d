package kept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/holdfast-dev/holdfast/platform"
)

// Limits of the descriptors of a command. systemd has room for as many: see FileDescriptorStoreMax=
// in package systemd.
const (
	MaxDescriptors     = 32
	maxDescriptorsName = 200 // the longest name of systemd is 255, with our prefix
)

// DescriptorMark is the prefix of the names under which descriptors of a command are kept. A
// command chooses what follows it, so its names are never those of [Mark] or of a socket.
const DescriptorMark = "holdfast-command."

// Descriptors are the open files of any kind, such as connections, that a command stores by
// sd_notify(3). Each life of the command gets what the earlier ones have stored, even if the
// service has no keeper. With a keeper they also survive the service.
type Descriptors struct {
	o Options

	mu     sync.Mutex
	all    []*descriptor
	last   uint64   // the highest number so far
	gone   []string // names that the keeper has yet to forget
	wanted bool     // somebody has asked for them
	closed bool
	told   bool // that nobody keeps them
}

// A descriptor is an open file with its name, its number, and whether it is watched.
type descriptor struct {
	name    string
	number  uint64
	watched bool // it is closed when its other end is
	fd      int
	kept    bool // by the keeper
}

func (d *descriptor) storedAs() string {
	kind := "p"
	if d.watched {
		kind = "w"
	}
	return DescriptorMark + kind + strconv.FormatUint(d.number, 10) + "." + d.name
}

// TakeDescriptors takes the descriptors of a command out of handed, and returns the rest.
func TakeDescriptors(ctx context.Context, handed []*os.File, o Options) (s *Descriptors, rest []*os.File) {
	s = &Descriptors{o: o}
	for _, f := range handed {
		suffix, ours := strings.CutPrefix(f.Name(), DescriptorMark)
		if !ours {
			rest = append(rest, f)
			continue
		}
		if err := s.takeBack(suffix, f); err != nil {
			o.Log.Warn("a descriptor that was handed over is not one that was kept: it is closed", "name", f.Name(), "error", err)
			s.forget(ctx, f.Name())
		}
		_ = f.Close()
	}
	return s, rest
}

func (s *Descriptors) takeBack(suffix string, f *os.File) error {
	head, name, ok := strings.Cut(suffix, ".")
	if !ok || head == "" || head[0] != 'p' && head[0] != 'w' {
		return errors.New("its name has no number")
	}
	number, err := strconv.ParseUint(head[1:], 10, 64)
	if err != nil {
		return err
	}
	fd, err := rawDuplicate(f)
	if err != nil {
		return err
	}
	s.all = append(s.all, &descriptor{name: name, number: number, watched: head[0] == 'w', fd: fd, kept: true})
	s.last = max(s.last, number)
	return nil
}

// Keep keeps the descriptor fd, and closes it if the error is not nil. A watched one is let go
// of when its other end has closed it. What is kept already, is not kept twice.
//
// Like systemd it takes a name that is none for "stored".
func (s *Descriptors) Keep(ctx context.Context, name string, fd int, watched bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = true
	if s.closed {
		closeRaw(fd)
		return fmt.Errorf("the service has stopped: %w", os.ErrClosed)
	}
	s.prune(ctx)
	if !nameable(name) {
		name = "stored"
	}
	switch {
	case slices.ContainsFunc(s.all, func(d *descriptor) bool { return same(d.fd, fd) }):
		closeRaw(fd)
		return nil
	case len(name) > maxDescriptorsName:
		closeRaw(fd)
		return fmt.Errorf("FDNAME has %d bytes, and at most %d are possible", len(name), maxDescriptorsName)
	case len(s.all) >= MaxDescriptors:
		closeRaw(fd)
		return fmt.Errorf("%d descriptors are kept already, and no more can be", MaxDescriptors)
	}
	s.last++
	d := &descriptor{name: name, number: s.last, watched: watched, fd: fd}
	s.all = append(s.all, d)
	if !s.o.Trial {
		s.pass(ctx, d)
	}
	return nil
}

// nameable reports whether systemd takes text for the name of a descriptor: see fdname_is_valid
// in its sources.
func nameable(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == ':' {
			return false
		}
	}
	return text != ""
}

// pass hands d to the keeper. Without one, d is kept for the next life of the command only.
func (s *Descriptors) pass(ctx context.Context, d *descriptor) {
	err := platform.ErrUnsupported
	if s.o.Keeper != nil {
		err = s.give(ctx, d)
	}
	switch {
	case err == nil:
		d.kept = true
	case !errors.Is(err, platform.ErrUnsupported):
		s.o.Log.Warn("a descriptor of the command is kept here only", "name", d.name, "error", err)
	case !s.told:
		s.told = true
		s.o.Log.Warn("the manager of this service keeps no descriptors: what the command stores is lost when the service ends", "name", d.name)
	}
}

func (s *Descriptors) give(ctx context.Context, d *descriptor) error {
	f, err := asFile(d.fd, d.name)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.o.Keeper.Keep(ctx, d.storedAs(), f)
}

// Forget lets go of all with that name.
func (s *Descriptors) Forget(ctx context.Context, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.remove(ctx, func(d *descriptor) bool { return d.name == name })
}

// prune lets go of those that are watched and whose other end is closed.
func (s *Descriptors) prune(ctx context.Context) {
	s.remove(ctx, func(d *descriptor) bool { return d.watched && hungUp(d.fd) })
}

func (s *Descriptors) remove(ctx context.Context, which func(*descriptor) bool) {
	s.all = slices.DeleteFunc(s.all, func(d *descriptor) bool {
		if !which(d) {
			return false
		}
		closeRaw(d.fd)
		switch {
		case !d.kept:
		case s.o.Trial: // the confirmed version may run again, and needs it
			s.gone = append(s.gone, d.storedAs())
		default:
			s.forget(ctx, d.storedAs())
		}
		return true
	})
}

func (s *Descriptors) forget(ctx context.Context, name string) {
	if s.o.Keeper == nil {
		return
	}
	if err := s.o.Keeper.Forget(ctx, name); err != nil && !errors.Is(err, platform.ErrUnsupported) {
		s.o.Log.Warn("a descriptor stays kept, because the manager could not be notified", "name", name, "error", err)
	}
}

// Pass returns duplicates of all for the next life of the command, which the caller closes. They
// have the names that the command gave them.
func (s *Descriptors) Pass(ctx context.Context) (files []*os.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted = true
	if s.closed {
		return nil
	}
	s.prune(ctx)
	for _, d := range s.all {
		f, err := asFile(d.fd, d.name)
		if err != nil {
			s.o.Log.Warn("a descriptor is not passed on to the command", "name", d.name, "error", err)
			continue
		}
		files = append(files, f)
	}
	return files
}

// Confirm passes to the keeper what a version on trial has kept, and makes it forget what that
// version let go of. If nobody has asked for the descriptors, they are closed, and forgotten:
// the service has no command any more that would. It is called when the service is ready, and
// confirmed.
func (s *Descriptors) Confirm(ctx context.Context) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.o.Trial = false
	if !s.wanted && len(s.all) > 0 {
		s.o.Log.Warn("descriptors are kept for a command that does not ask for them: they are closed", "descriptors", len(s.all))
		s.remove(ctx, func(*descriptor) bool { return true })
	}
	for _, name := range s.gone {
		s.forget(ctx, name)
	}
	s.gone = nil
	for _, d := range s.all {
		if !d.kept {
			s.pass(ctx, d)
		}
	}
}

// Close closes all. What is kept stays so.
func (s *Descriptors) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	for _, d := range s.all {
		closeRaw(d.fd)
	}
}

// Empty reports whether nothing is kept, also after Close.
func (s *Descriptors) Empty() bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) == 0
}

type contextKey struct{}

// NewContext returns a context for a program that has a command.
func NewContext(ctx context.Context, s *Descriptors) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// FromContext returns the descriptors of NewContext. Without them it returns empty ones, which
// nobody keeps.
func FromContext(ctx context.Context, log *slog.Logger) *Descriptors {
	if s, ok := ctx.Value(contextKey{}).(*Descriptors); ok && s != nil {
		return s
	}
	return &Descriptors{o: Options{Log: log}}
}
