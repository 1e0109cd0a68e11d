package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// A started is an attempt whose keeper is running.
type started struct {
	assignment
	folder folder
	id     proc.Identity
	in     io.WriteCloser // to the keeper; nil: not our child
	gone   chan struct{}  // closed when the keeper and all processes of the command have ended
	once   sync.Once
}

// start starts the keeper of a. It does nothing yet, so that its identity can be recorded
// before it has any effect.
func (f folder) start(a assignment) (*started, error) {
	exe, err := os.Executable()
	if err == nil {
		err = files.MakeDir(f.of(a.ID), 0o700)
	}
	if err != nil {
		return nil, err
	}
	endLeftover(f.of(a.ID))                             // left by an attempt whose keeper was killed
	cmd := exec.Command(exe, keeperCommand, f.of(a.ID)) //nolint:noctx // it outlives this process
	detach(cmd)
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	id, err := proc.Of(cmd.Process.Pid)
	s := &started{assignment: a, folder: f, id: id, in: in, gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait()
		s.end()
	}()
	if err != nil {
		s.drop()
		return nil, err
	}
	return s, nil
}

// adopt continues an attempt that an earlier run of the program has started.
func (f folder) adopt(a assignment, id proc.Identity) *started {
	s := &started{assignment: a, folder: f, id: id, gone: make(chan struct{})}
	go func() {
		_ = id.Wait(context.Background()) // ends with the keeper, or with this process
		s.end()
	}()
	return s
}

func (s *started) end() {
	endLeftover(s.folder.of(s.ID))
	s.once.Do(func() { close(s.gone) })
}

// run lets the keeper begin.
func (s *started) run() error {
	b, err := json.Marshal(s.assignment)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	return err
}

// tell tells the keeper when the lease of its run ends, by proc.Boottime.
func (s *started) tell(until time.Duration) error {
	_, err := s.in.Write([]byte(strconv.FormatInt(int64(until), 10) + "\n"))
	return err
}

// drop ends a keeper that has not begun.
func (s *started) drop() {
	_ = s.in.Close()
	<-s.gone
}

// wait returns how the attempt ended. If ctx ends, the command is asked to end, and killed if
// it does not.
func (s *started) wait(ctx context.Context) ending {
	select {
	case <-s.gone:
	case <-ctx.Done():
		_ = s.id.Signal(syscall.SIGTERM)
		select {
		case <-s.gone:
		case <-time.After(2 * (killAfter + outputAfter)):
			_ = s.id.Signal(os.Kill) // the keeper hangs; its command dies with it, or is killed by end
			<-s.gone
		}
	}
	e, ok := s.folder.ending(s.ID, s.Attempt)
	switch {
	case !ok && ctx.Err() != nil:
		return ending{State: journal.Interrupted, Reason: context.Cause(ctx).Error(), Asked: true}
	case !ok:
		return ending{State: journal.Interrupted, Reason: "its keeper was killed"}
	case e.Asked && ctx.Err() != nil:
		e.Reason = context.Cause(ctx).Error()
	case e.Asked: // by another process, such as a service manager that stops everything
		e.Reason += " by another process"
	}
	return e
}

// sweep removes the directories of unknown runs.
func (f folder) sweep(known func(id uint64) bool) error {
	all, err := os.ReadDir(string(f))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, x := range all {
		var id uint64
		if n, e := fmt.Sscan(x.Name(), &id); n == 1 && e == nil && !known(id) {
			err = errors.Join(err, files.RemoveTree(filepath.Join(string(f), x.Name())))
		}
	}
	return err
}
