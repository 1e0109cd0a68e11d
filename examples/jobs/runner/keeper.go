package runner

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

// keeperCommand makes this program a keeper: the process between this program and a job's
// command. A keeper outlives its parent, so that the outcome of a command is not lost with the
// parent. It waits for the command, ends it when its time is up, and leaves the ending in a
// file.
//
// It begins when it has read an assignment from its standard input. If it or its parent is
// killed before that, nothing runs.
const keeperCommand = "keeper"

const (
	// killAfter is the time after which a command that was asked to end is killed.
	killAfter = 5 * time.Second
	// outputAfter limits the wait for the output of processes that a command has left behind.
	outputAfter = 2 * time.Second
	// maxOutput limits the output of a command; the rest is dropped.
	maxOutput = 1 << 20
)

// childFile is the file with the identity of the command. If the command outlives its keeper,
// which was killed, it is ended before the next attempt.
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
	until atomic.Int64 // end of the worker's lease, by proc.Boottime; 0: the worker is gone
}

func (k *keeper) run(in *bufio.Reader) ending {
	if len(k.Command) == 0 { // the timetable no longer has such a job
		return ending{State: journal.Failed, Reason: "there is no command"}
	}
	stop, err := requests() // before there is a child to leave behind
	if err != nil {
		return ending{State: journal.Interrupted, Reason: err.Error()}
	}
	out, err := os.OpenFile(filepath.Join(k.dir, outputFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return ending{State: journal.Failed, Reason: err.Error()}
	}
	defer out.Close()
	cmd := exec.Command(k.Command[0], k.Command[1:]...) //nolint:noctx // the keeper limits the time of the whole group
	cmd.Env, cmd.Stdin, cmd.WaitDelay = k.environment(), bytes.NewReader(k.Params), outputAfter
	limited := &limited{to: out, left: maxOutput}
	cmd.Stdout, cmd.Stderr = limited, limited
	k.lease(in)
	group, err := startGroup(cmd)
	if err != nil {
		return ending{State: journal.Failed, Reason: err.Error()}
	}
	defer group.kill() // also kills whatever it left behind
	if id, err := proc.Of(cmd.Process.Pid); err == nil {
		_ = files.ReplaceJSON(filepath.Join(k.dir, childFile), id, 0o600, true)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return k.watch(ended, stop, group)
}

// lease reads the ends of the worker's lease, one time per line. It returns after the first
// line.
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

// lost reports whether the lease has expired, so that the run may have begun elsewhere.
func (k *keeper) lost() bool {
	at, err := proc.Boottime()
	return k.Lease > 0 && (err != nil || int64(at) > k.until.Load())
}

// watch waits for the end of the command. It ends the command on a request, at its timeout, or
// if the lease is lost.
func (k *keeper) watch(ended <-chan error, stop <-chan os.Signal, group group) ending {
	var timeout, kill <-chan time.Time
	if k.Timeout > 0 {
		timeout = time.After(k.Timeout)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var why *ending // why the keeper ended the command
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
			if why == nil && k.lost() { // kill at once: the run may begin elsewhere
				end(ending{State: journal.Interrupted, Reason: "its worker is gone, or cannot reach the primary"})
				group.kill()
			}
		}
	}
}

// endingOf returns the ending of a command that ended by itself or was killed from outside.
// The latter is no failure of the job.
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

// A limited passes on the first bytes that are written to it.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(b []byte) (int, error) {
	n := min(len(b), l.left)
	l.left -= n
	if n > 0 {
		if _, err := l.to.Write(b[:n]); err != nil {
			l.left = 0 // on a full disk, a job continues without output
		}
	}
	return len(b), nil
}
