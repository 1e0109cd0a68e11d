package service

import (
	"context"
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
)

// Keep passes f to the manager, or to holdfast's supervisor, for the next process of the
// service. That process gets it back from [Runtime.Kept], after a restart, an upgrade or a
// crash. f must be memory of memfd_create(2) with at most 8 MiB, and at most 16 such files can
// be kept. The file itself is kept and not a copy, so what the program writes to it later
// survives, too. The program may close f.
//
// The rules for name are those for the name of a service. A later Keep with the same name
// replaces the file. A stop, or a restart of the machine, ends all that is kept; for systemd
// see preserve_sockets. If a version on trial keeps a file, the next process gets it only
// after the version was confirmed.
//
// If nothing can be kept, the error wraps [errors.ErrUnsupported]. That is so on systems other
// than Linux, and without systemd and without a supervisor. A systemd whose unit was written
// by a version of holdfast without Keep discards f silently: install again.
func (rt *Runtime) Keep(name string, f *os.File) error {
	s := rt.l.kept.Load()
	if s == nil {
		return errors.New("keep: the service has not begun to start")
	}
	return s.Keep(context.WithoutCancel(rt.l.stopping), name, f)
}

// Kept returns the file that an earlier process of the service has kept under name, positioned
// at its beginning. The caller has to close it. The file remains kept. If there is none, the
// error wraps [io/fs.ErrNotExist], and the program begins with no such state. A file that the
// program has not taken when it becomes ready is closed, and is no longer kept.
func (rt *Runtime) Kept(name string) (*os.File, error) {
	s := rt.l.kept.Load()
	if s == nil {
		return nil, errors.New("kept: the service has not begun to start")
	}
	return s.Get(name)
}

// takeKept takes the files of earlier processes out of those that the manager has passed, and
// returns the rest.
func (l *life) takeKept(ctx context.Context) []*os.File {
	keeper, _ := l.host.(platform.Keeper)
	o := kept.Options{Keeper: keeper, Log: l.log, Trial: l.trial != nil}
	set, rest := kept.Take(ctx, l.handed(), o)
	l.kept.Store(set)
	ofCommand, rest := kept.TakeDescriptors(ctx, rest, o)
	l.ofCommand.Store(ofCommand)
	return rest
}

// confirmKept makes permanent what a version on trial has kept, now that it is confirmed.
func (l *life) confirmKept() {
	l.kept.Load().Confirm(l.stopping)
	l.ofCommand.Load().Confirm(l.stopping)
}
