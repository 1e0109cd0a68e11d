//go:build linux

package launchdsim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A job is a loaded service. The Double's mu guards it.
type job struct {
	double *Double
	domain string
	uid    int // the owner; a daemon may become another user
	def    definition

	cmd     *exec.Cmd // nil: no process
	started time.Time
	runs    int
	timer   *time.Timer // for a later start
	leaving string      // "SIGTERMed" or "SIGKILLed" once it is booted out
	ended   *ending
	failed  bool // the program could not be executed
	pended  bool // it waits for a kickstart
}

type ending struct {
	code   int
	signal syscall.Signal
}

func (j *job) target() string { return j.domain + "/" + j.def.Label }

// start starts the job, now or when its throttle interval is over.
func (j *job) start() {
	if j.cmd != nil || j.timer != nil || j.leaving != "" {
		return
	}
	j.pended = false
	if wait := time.Until(j.started.Add(j.def.throttle())); !j.started.IsZero() && wait > 0 {
		j.timer = time.AfterFunc(wait, func() {
			j.double.mu.Lock()
			defer j.double.mu.Unlock()
			if j.timer != nil && j.leaving == "" {
				j.timer = nil
				j.spawn()
			}
		})
		return
	}
	j.spawn()
}

func (j *job) spawn() {
	j.started = time.Now()
	j.runs++
	j.failed = false
	cmd, err := j.command()
	if err == nil {
		err = run(cmd, j.def.Umask)
	}
	closeFiles(cmd)
	if err != nil { // "last exit code = 78: EX_CONFIG"
		j.failed = true
		j.ended = &ending{code: 78}
		if j.def.again(false) {
			j.start()
		}
		return
	}
	j.cmd = cmd
	j.double.left.Go(func() { j.wait(cmd) })
}

// umask guards the umask of the process.
var umask sync.Mutex

func run(cmd *exec.Cmd, mask *int) error {
	if mask != nil {
		umask.Lock()
		defer umask.Unlock()
		defer syscall.Umask(syscall.Umask(*mask))
	}
	return cmd.Start()
}

func (j *job) wait(cmd *exec.Cmd) {
	err := cmd.Wait()
	if !j.def.AbandonProcessGroup {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
	d := j.double
	d.mu.Lock()
	defer d.mu.Unlock()
	j.cmd = nil
	j.ended = &ending{code: cmd.ProcessState.ExitCode()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			j.ended = &ending{signal: status.Signal()}
		}
	}
	switch {
	case j.leaving != "":
		d.gone(j)
	case j.def.again(j.ended.clean()):
		j.start()
	}
}

func (e *ending) clean() bool { return e.code == 0 && e.signal == 0 }

// bootOut ends the job, and reports whether it is gone already.
func (j *job) bootOut() bool {
	if j.leaving != "" {
		return false
	}
	j.leaving = "SIGTERMed"
	if j.timer != nil {
		j.timer.Stop()
		j.timer = nil
	}
	if j.cmd == nil {
		j.double.gone(j)
		return true
	}
	process := j.cmd.Process
	_ = process.Signal(syscall.SIGTERM)
	if limit := j.def.exitTimeOut(); limit > 0 {
		time.AfterFunc(limit, func() {
			j.double.mu.Lock()
			defer j.double.mu.Unlock()
			if j.cmd != nil && j.cmd.Process == process {
				j.leaving = "SIGKILLed"
				_ = process.Signal(syscall.SIGKILL)
			}
		})
	}
	return false
}

// command returns the job's process, not started yet.
func (j *job) command() (*exec.Cmd, error) {
	argv := j.def.ProgramArguments
	if len(argv) == 0 {
		argv = []string{j.def.Program}
	}
	cmd := &exec.Cmd{Path: j.def.program(), Args: argv, Dir: j.double.on("/"), SysProcAttr: &syscall.SysProcAttr{Setsid: true}}
	if j.def.WorkingDirectory != "" {
		cmd.Dir = j.double.on(j.def.WorkingDirectory)
	}
	cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "XPC_SERVICE_NAME=" + j.def.Label, "XPC_FLAGS=0x0"}
	name := j.def.UserName
	if j.domain != "system" {
		name = strconv.Itoa(j.uid)
	}
	uid, gid := os.Getuid(), os.Getgid()
	if name != "" {
		u, credential, err := account(name, j.def.GroupName)
		if err != nil {
			return cmd, err
		}
		uid, gid = int(credential.Uid), int(credential.Gid)
		if uid != os.Getuid() {
			cmd.SysProcAttr.Credential = credential
		}
		cmd.Env = append(cmd.Env, "HOME="+u.HomeDir, "USER="+u.Username, "LOGNAME="+u.Username, "SHELL=/bin/sh")
	}
	for name, value := range j.def.EnvironmentVariables {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var err error
	if cmd.Stdout, err = j.output(j.def.StandardOutPath, uid, gid); err != nil {
		return cmd, err
	}
	cmd.Stderr, err = j.output(j.def.StandardErrorPath, uid, gid)
	return cmd, err
}

// output opens a log file. launchd creates it for the user of the job, and cannot open a file
// of another user for it.
func (j *job) output(path string, uid, gid int) (*os.File, error) {
	if path == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	flags := os.O_WRONLY | os.O_APPEND
	f, err := os.OpenFile(j.double.on(path), flags|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		return f, f.Chown(uid, gid)
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if f, err = os.OpenFile(j.double.on(path), flags, 0); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && uid != j.double.Root && int(stat.Uid) != uid && info.Mode()&0o002 == 0 {
			err = fs.ErrPermission
		}
	}
	return f, err
}

func closeFiles(cmd *exec.Cmd) {
	for _, w := range []any{cmd.Stdout, cmd.Stderr} {
		if f, ok := w.(*os.File); ok && f != nil {
			_ = f.Close()
		}
	}
}

func account(name, group string) (*user.User, *syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, nil, err
		}
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, nil, err
	}
	gid := u.Gid
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, nil, err
		}
		gid = g.Gid
	}
	c := &syscall.Credential{}
	for _, n := range []struct {
		to   *uint32
		text string
	}{{&c.Uid, u.Uid}, {&c.Gid, gid}} {
		id, err := strconv.ParseUint(n.text, 10, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("user %q: %w", name, err)
		}
		*n.to = uint32(id)
	}
	for _, g := range groups {
		if id, err := strconv.ParseUint(g, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(id))
		}
	}
	return u, c, nil
}
