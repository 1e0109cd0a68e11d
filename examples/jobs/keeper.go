package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service/recovery/journal"
)

// keeperCommand has this program be a keeper: the process between us and a job's command. It
// outlives whoever started it, so that the outcome of a command is not lost with us: it waits
// for the command, ends it when its time is up, and leaves the ending in a file.
//
// It begins when it has read an assignment from its standard input. One that was killed, or
// whose parent was, before that runs nothing.
const keeperCommand = "keeper"

const (
	// A command that was asked to end is killed after that.
	killAfter = 5 * time.Second
	// So long the output of processes is waited for that a command left behind.
	outputAfter = 2 * time.Second
	// More output than that is dropped.
	maxOutput = 1 << 20
)

// childFile has who the command is: where the keeper is killed and the command outlives it, it
// is ended before it is run again.
const childFile = "child.json"

func keep(dir string, in io.Reader) int {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	var a assignment
	if err != nil || json.Unmarshal(line, &a) != nil {
		return 1
	}
	k := &keeper{assignment: a, dir: dir}
	end := k.run(lines)
	if err := files.ReplaceJSON(filepath.Join(dir, endingFile(a.Attempt)), end, 0o600, true); err != nil {
		return 1
	}
	return 0
}

type keeper struct {
	assignment
	dir   string
	until atomic.Int64 // the end of a worker's lease, by proc.Boottime; 0: it has gone
}

func (k *keeper) run(in *bufio.Reader) ending {
	stop, err := requests() // before there is a child that could be left behind
	if err != nil {
		return ending{State: journal.Interrupted, Reason: err.Error()}
	}
	out, err := os.OpenFile(filepath.Join(k.dir, outputFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return ending{State: journal.Failed, Reason: err.Error()}
	}
	defer out.Close()
	cmd := exec.Command(k.Command[0], k.Command[1:]...) //nolint:noctx // it has a limit of its own, and its group with it
	cmd.Env, cmd.Stdin, cmd.WaitDelay = k.environment(), bytes.NewReader(k.Params), outputAfter
	limited := &limited{to: out, left: maxOutput}
	cmd.Stdout, cmd.Stderr = limited, limited
	k.lease(in)
	group, err := startGroup(cmd)
	if err != nil {
		return ending{State: journal.Failed, Reason: err.Error()}
	}
	defer group.kill() // and whatever it left behind
	if id, err := proc.Of(cmd.Process.Pid); err == nil {
		_ = files.ReplaceJSON(filepath.Join(k.dir, childFile), id, 0o600, true)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return k.watch(ended, stop, group)
}

// lease follows what the worker says of its lease: a line with the time until which it has it. It
// returns when there is the first.
func (k *keeper) lease(in *bufio.Reader) {
	if k.Lease == 0 {
		return
	}
	read := func() bool {
		line, err := in.ReadString('\n')
		var n int64
		if err == nil {
			n, err = strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		}
		k.until.Store(n)
		return err == nil
	}
	if read() {
		go func() {
			for read() {
			}
		}()
	}
}

// lost reports whether the lease has run out, so that the run may be another's by now.
func (k *keeper) lost() bool {
	at, err := proc.Boottime()
	return k.Lease > 0 && (err != nil || int64(at) > k.until.Load())
}

// watch waits for the end of the command, and ends it where something else comes first.
func (k *keeper) watch(ended <-chan error, stop <-chan os.Signal, group group) ending {
	var timeout, kill <-chan time.Time
	if k.Timeout > 0 {
		timeout = time.After(k.Timeout)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var why *ending // we have ended it
	end := func(e ending) {
		why, timeout = &e, nil
		group.terminate()
		kill = time.After(killAfter)
	}
	for {
		select {
		case err := <-ended:
			if why != nil {
				return *why
			}
			return endingOf(err)
		case <-stop:
			if why == nil {
				end(ending{State: journal.Interrupted, Reason: "it was asked to end", Asked: true})
			}
		case <-timeout:
			end(ending{State: journal.TimedOut, Reason: fmt.Sprintf("it took longer than %v", k.Timeout)})
		case <-kill:
			group.kill()
		case <-tick.C:
			if why == nil && k.lost() { // at once: it may be begun elsewhere
				end(ending{State: journal.Interrupted, Reason: "its worker is gone, or cannot reach the primary"})
				group.kill()
			}
		}
	}
}

// endingOf is the ending of a command that ended by itself, or was killed by somebody else: the
// latter is no failure of the job's.
func endingOf(err error) ending {
	exit, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return ending{State: journal.Finished}
	case !ok:
		return ending{State: journal.Failed, Reason: err.Error()}
	case killed(exit.ProcessState):
		return ending{State: journal.Interrupted, Reason: "its process was killed from outside: " + exit.String()}
	}
	return ending{State: journal.Failed, Reason: exit.String()}
}

// limited is the first of what is written to it.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	if n > 0 {
		if _, err := l.to.Write(b[:n]); err != nil {
			l.left = 0 // on a full disk a job goes on without
		}
	}
	return len(b), nil
}
