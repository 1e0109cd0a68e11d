//go:build unix

package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/native"
)

func (s Spawn) exec() error {
	// Niceness and the like belong to a thread, and exec keeps those of the calling thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signal.Ignore(syscall.SIGHUP)
	// A shell makes background processes ignore these two signals. exec resets a signal to its
	// default if it has a handler.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT)
	// It fails for a process that already leads a session.
	_, _ = syscall.Setsid()
	inheritNothing()

	ended, err := s.remember()
	if err != nil {
		return err
	}
	err = s.turn(ended)
	if ended != nil {
		_, _ = fmt.Fprintln(ended, exitCodeOf(err)) // nobody is left to hear that it failed
	}
	return err
}

// inheritNothing closes what the caller has passed besides the first three descriptors, as soon as
// the program is executed. It may be the lock of a script, or a pipe whose reader waits for its
// end, and a service would have it open for ever.
func inheritNothing() {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		open, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, entry := range open {
			if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
				unix.CloseOnExec(fd)
			}
		}
		return
	}
}

// turn does the rest. It returns only with an error.
func (s Spawn) turn(ended *os.File) error {
	who, err := s.account()
	if err != nil {
		return err
	}
	env, err := s.source(s.environment(who))
	if err != nil {
		return err
	}
	env = append(env, borrowed(context.Background())...) // which may take the rights of root
	if err := s.limit(); err != nil {
		return err
	}
	if err := who.become(); err != nil {
		return err
	}
	if err := s.settle(); err != nil {
		return err
	}
	err = syscall.Exec(s.Argv[0], s.Argv, append(env, s.told(ended)...))
	return fmt.Errorf("execute %s: %w", s.Argv[0], err)
}

func exitCodeOf(err error) int {
	switch {
	case errors.Is(err, ErrImpossible):
		return platform.ExitBadConfig
	case errors.Is(err, fs.ErrPermission):
		return platform.ExitNotPermitted
	}
	return platform.ExitFailed
}

// limit sets what may need the rights of root.
func (s Spawn) limit() error {
	for _, l := range []struct {
		name     string
		resource int
		value    *uint64
	}{
		{"nofile", unix.RLIMIT_NOFILE, nonZero(s.NoFile)},
		{"nproc", limitOfProcesses, nonZero(s.NProc)},
		{"core", unix.RLIMIT_CORE, s.Core},
	} {
		if l.value == nil {
			continue
		}
		// setLimit uses package syscall, which then does not change the limit on files itself.
		if err := setLimit(l.resource, *l.value); err != nil {
			return fmt.Errorf("limits.%s to %d: %w: %w", l.name, *l.value, ErrImpossible, err)
		}
	}
	if s.Nice != 0 {
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, s.Nice); err != nil {
			return fmt.Errorf("limits.nice to %d: %w", s.Nice, err)
		}
	}
	if s.NoNewPrivileges {
		if err := noNewPrivileges(); err != nil {
			return fmt.Errorf("no_new_privileges: %w", err)
		}
	}
	syscall.Umask(int(s.Umask.Perm()))
	return nil
}

func nonZero(n uint64) *uint64 {
	if n == 0 {
		return nil
	}
	return &n
}

// settle does what needs only the rights of the user.
func (s Spawn) settle() error {
	dir := s.Directory
	if dir == "" {
		dir = "/"
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("working_directory: %w: %w", ErrImpossible, err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := unix.Dup2(int(null.Fd()), 0); err != nil {
		return err
	}
	if s.Output == "" {
		return nil
	}
	if info, err := os.Lstat(s.Output); err == nil && info.Size() >= maxOutput {
		if err := os.Rename(s.Output, s.Output+".old"); err != nil {
			return err
		}
	}
	out, err := files.Open(s.Output, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	return errors.Join(unix.Dup2(int(out.Fd()), 1), unix.Dup2(int(out.Fd()), 2))
}

const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment returns the environment of the service. It takes only the variables to keep from
// that of the caller.
func (s Spawn) environment(who account) []string {
	env := []string{"PATH=" + cmp.Or(s.Path, usualPath)}
	env = append(env, who.variables...)
	directories := []string{"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY"}
	for _, name := range slices.Concat(directories, s.Keep) {
		if value, ok := os.LookupEnv(name); ok {
			env = slices.DeleteFunc(env, func(v string) bool { return len(v) > len(name) && v[:len(name)+1] == name+"=" })
			env = append(env, name+"="+value)
		}
	}
	return env
}

// told returns the variables that say how the service was started.
func (s Spawn) told(ended *os.File) (env []string) {
	if s.Starter != "" {
		env = append(env, native.StarterVariable+"="+s.Starter+" "+strconv.Itoa(os.Getpid()))
	}
	if ended != nil {
		env = append(env, native.EndedVariable+"="+strconv.Itoa(int(ended.Fd())))
	}
	return env
}
