package main

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

// started is an attempt whose keeper is there.
type started struct {
	assignment
	folder folder
	id     proc.Identity
	in     io.WriteCloser // to the keeper; nil: it is none of our children
	gone   chan struct{}  // closed when it is, and every process of the command
	once   sync.Once
}

// start starts the keeper of a, which does nothing yet: who it is can be written down before it
// has had any effect.
func (f folder) start(a assignment) (*started, error) {
	exe, err := os.Executable()
	if err == nil {
		err = files.MakeDir(f.of(a.ID), 0o700)
	}
	if err != nil {
		return nil, err
	}
	endLeftover(f.of(a.ID))                             // of an attempt whose keeper was killed
	cmd := exec.Command(exe, keeperCommand, f.of(a.ID)) //nolint:noctx // it outlives us
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

// adopt goes on with an attempt that an earlier run of the program has started.
func (f folder) adopt(a assignment, id proc.Identity) *started {
	s := &started{assignment: a, folder: f, id: id, gone: make(chan struct{})}
	go func() {
		_ = id.Wait(context.Background()) // it ends with the keeper, or with us
		s.end()
	}()
	return s
}

func (s *started) end() {
	endLeftover(s.folder.of(s.ID))
	s.once.Do(func() { close(s.gone) })
}

// run has the keeper begin.
func (s *started) run() error {
	b, err := json.Marshal(s.assignment)
	if err == nil {
		_, err = s.in.Write(append(b, '\n'))
	}
	return err
}

// tell tells the keeper until when the lease of its run holds, by proc.Boottime.
func (s *started) tell(until time.Duration) error {
	_, err := s.in.Write([]byte(strconv.FormatInt(int64(until), 10) + "\n"))
	return err
}

// drop ends a keeper that has not begun.
func (s *started) drop() {
	_ = s.in.Close()
	<-s.gone
}

// wait returns how the attempt ended. When ctx ends the command is asked to end, and killed if it
// does not.
func (s *started) wait(ctx context.Context) ending {
	select {
	case <-s.gone:
	case <-ctx.Done():
		_ = s.id.Signal(syscall.SIGTERM)
		select {
		case <-s.gone:
		case <-time.After(2 * (killAfter + outputAfter)):
			_ = s.id.Signal(os.Kill) // it hangs; what it has started dies with it, or is ended then
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
	case e.Asked: // by somebody other than us, the service manager that ends all there is for one
		e.Reason += " by somebody else"
	}
	return e
}

// sweep removes what is left of runs that nobody knows any more.
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
