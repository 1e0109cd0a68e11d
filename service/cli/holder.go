package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
	"github.com/holdfast-dev/holdfast/singleton"
)

// lock returns the singleton options of the target.
func (t *target) lock() singleton.Options {
	return singleton.Options{Name: t.id.String(), Dir: t.dirs.Runtime, StateDir: t.dirs.State}
}

// probe asks who holds a name. It may read from a file system that never answers, so it
// returns when ctx ends.
func (t *target) probe(ctx context.Context, o singleton.Options) (singleton.Holder, error) {
	return leavable(ctx, func() (singleton.Holder, error) { return t.Holder(o) })
}

// errUnnamed means that the name is held, but the holder cannot be identified.
var errUnnamed = errors.New("it runs, but its process cannot be identified (the lock is held, but its record is missing or cannot be trusted)")

// holder returns the verified holder. The error wraps platform.ErrNotRunning if there is none,
// and mentions what a dead holder has left. It wraps errUnnamed if the holder is unknown.
func (t *target) holder(ctx context.Context) (singleton.Holder, error) {
	h, err := t.probe(ctx, t.lock())
	switch {
	case errors.Is(err, singleton.ErrFree):
		return h, fmt.Errorf("%q: %w%s", t.id, platform.ErrNotRunning, t.leftover())
	case err != nil:
		return h, err
	case !h.Known():
		return h, fmt.Errorf("%q: %w: no process is signalled", t.id, errUnnamed)
	}
	return h, nil
}

// heldBy describes the holder to a person who wants to run something else.
func heldBy(h singleton.Holder) string {
	if !h.Known() {
		return errUnnamed.Error()
	}
	return h.String()
}

// leftover describes a PID file without a holder.
func (t *target) leftover() string {
	path := t.lock().PIDFile()
	content, err := readLeftover(path)
	if errors.Is(err, files.ErrUntrusted) {
		return fmt.Sprintf(" (%v)", err)
	} else if err != nil {
		return ""
	}
	pid, err := singleton.ParsePID(content)
	if err != nil {
		return fmt.Sprintf(" (%s is left: %v)", path, err)
	}
	what := "which is gone"
	if id, err := t.Process(pid); err == nil {
		what = "now another process: " + cmp.Or(id.Exe, "unknown") + ", left alone"
	}
	return fmt.Sprintf(" (%s is left and names %d, %s)", path, pid, what)
}

// readLeftover reads only as much of a file as shows whether it is a PID file. The path may be
// anything by now, and an ordinary open of a FIFO would wait for ever.
func readLeftover(path string) ([]byte, error) {
	f, err := files.Open(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, 100))
}

// signal sends sig to the holder. The error is os.ErrProcessDone if the holder has ended.
func (t *target) signal(h singleton.Holder, doing string, sig os.Signal) error {
	err := t.Signal(h, sig)
	switch {
	case err == nil || errors.Is(err, os.ErrProcessDone):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s %q: %w: ask as user %s, or %s", doing, t.id, err, h.User(), privileged)
	}
	return fmt.Errorf("%s %q: %w", doing, t.id, err)
}

// state returns what the holder wrote about itself. It is an error if another process wrote
// it.
func (t *target) state(h singleton.Holder) (state.State, error) {
	return state.Of(t.dirs.StateFile(t.id.String()), h.Identity)
}

// ending says why an ended holder ended, as far as it could record this.
func (t *target) ending(ctx context.Context, h singleton.Holder) string {
	last, err := t.lastRecord(ctx)
	if err != nil || !last.Process.Same(h.Identity) {
		return ""
	}
	return ": " + last.Outcome()
}
