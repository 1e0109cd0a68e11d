package service

import (
	"context"
	"errors"
	"os"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/kept"
)

// Keep gives f to the manager, or to holdfast's supervisor, for the next process of the
// service: it takes f back by [Runtime.Kept], after a restart, an upgrade and a crash. f has to
// be memory of memfd_create(2) with at most 8 MiB, and there can be 16 such files. It is kept
// itself, and no copy: what the program writes to it later survives, too. The program may close
// f.
//
// A name is one as of a service. A later Keep with the same name replaces the file. A stop, and
// a restart of the machine, end all that is kept; see preserve_sockets for systemd. What a
// version on trial keeps, the next process gets once the version is confirmed.
//
// Where nothing can be kept, the error wraps [errors.ErrUnsupported]: on systems other than
// Linux, and without systemd or a supervisor. A systemd that has read a unit from before
// this version of holdfast drops f silently: install again.
func (rt *Runtime) Keep(name string, f *os.File) error {
	s := rt.l.kept.Load()
	if s == nil {
		return errors.New("keep: the service has not begun to start")
	}
	return s.Keep(context.WithoutCancel(rt.l.stopping), name, f)
}

// Kept returns the file that an earlier process of the service has kept under name, from its
// beginning. The caller has to close it. It remains kept. If there is none, the error wraps
// [io/fs.ErrNotExist]; then the program begins anew. A file that the program has not taken when
// it is ready is closed, and no longer kept.
func (rt *Runtime) Kept(name string) (*os.File, error) {
	s := rt.l.kept.Load()
	if s == nil {
		return nil, errors.New("kept: the service has not begun to start")
	}
	return s.Get(name)
}

// takeKept takes the files of earlier processes out of what the manager has handed over, and
// returns the rest.
func (l *life) takeKept(ctx context.Context) []*os.File {
	keeper, _ := l.host.(platform.Keeper)
	set, rest := kept.Take(ctx, l.handed(), kept.Options{Keeper: keeper, Log: l.log, Trial: l.trial != nil})
	l.kept.Store(set)
	return rest
}
