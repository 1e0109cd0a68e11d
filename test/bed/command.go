package bed

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// searchPath is the PATH of every command in a bed. /usr/local comes first, so that a test can
// override a program of the system.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command returns a command that will run inside the bed as root: in its namespaces, with its
// capabilities, in the directory /, and with an environment independent of the test's.
// Standard input is empty and output is discarded, unless the caller sets them. When ctx ends,
// the command's whole process group is killed. A process in a session of its own, such as a
// daemon, continues until the bed is off.
//
// Output to a buffer is awaited for another second after the command has ended, because a
// daemon may hold it open. Wait then returns [exec.ErrWaitDelay], and the daemon dies of
// SIGPIPE when it writes. [Bed.Run] avoids that.
//
// When the command is run, a program that does not exist in the bed leads to exit code 127,
// and a bed that is off to [ErrOff].
func (b *Bed) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return b.command(ctx, userEnv("root", "/root", "/bin/sh"), nil, argv)
}

// CommandAs is [Bed.Command] as another user, by name. In a systemd bed it sets
// XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS, so that `systemctl --user` reaches the user's
// manager, which must be running: see [Bed.AddUser]. It is no login: neither PAM nor logind
// takes part. For an unknown user, running the command fails.
func (b *Bed) CommandAs(ctx context.Context, user string, argv ...string) *exec.Cmd {
	u, err := b.lookup(user)
	if err != nil {
		cmd := b.Command(ctx, argv...)
		cmd.Err = err
		return cmd
	}
	env := userEnv(u.name, u.home, u.shell)
	if b.kind.Manager == "systemd" {
		dir := "/run/user/" + strconv.Itoa(u.uid)
		env = append(env, "XDG_RUNTIME_DIR="+dir, "DBUS_SESSION_BUS_ADDRESS=unix:path="+dir+"/bus")
	}
	become := []string{"--reuid=" + strconv.Itoa(u.uid), "--regid=" + strconv.Itoa(u.gid), "--init-groups"}
	return b.command(ctx, env, become, argv)
}

// Run runs argv inside the bed as root, like [Bed.Command], and waits for it. code is the exit
// code, and err is nil whatever code is. err says that the command could not be run, that a
// signal killed it, or that ctx ended. A daemon that keeps the output open does not block Run;
// its later output is dropped.
func (b *Bed) Run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error) {
	return run(ctx, b.Command(ctx, argv...), argv)
}

// RunAs is [Bed.Run] as another user, like [Bed.CommandAs]. An empty name means root.
func (b *Bed) RunAs(ctx context.Context, user string, argv ...string) (stdout, stderr string, code int, err error) {
	if user == "" {
		return b.Run(ctx, argv...)
	}
	return run(ctx, b.CommandAs(ctx, user, argv...), argv)
}

func (b *Bed) command(ctx context.Context, env, become, argv []string) *exec.Cmd {
	prefix, err := b.m.enter(become)
	cmd := exec.CommandContext(ctx, "nsenter", append(prefix, argv...)...)
	if len(argv) == 0 {
		err = errors.New("no command given")
	}
	if err != nil {
		cmd.Err = fmt.Errorf("bed %s: run %q: %w", b.Name(), argv, err)
		return cmd
	}
	cmd.Env = env
	if b.kind.Manager == "scm" {
		cmd.Env = append(cmd.Env, "WINEPREFIX=/wine", "WINEDEBUG=-all", "XDG_RUNTIME_DIR=/run")
	}
	cmd.WaitDelay = time.Second
	b.m.confine(cmd)
	return cmd
}

// run runs cmd and captures its output.
func run(ctx context.Context, cmd *exec.Cmd, argv []string) (stdout, stderr string, code int, err error) {
	if cmd.Err != nil {
		return "", "", -1, cmd.Err
	}
	out, err := newCapture()
	if err != nil {
		return "", "", -1, fmt.Errorf("run %q in bed: %w", argv, err)
	}
	errs, err := newCapture()
	if err != nil {
		out.end()
		return "", "", -1, fmt.Errorf("run %q in bed: %w", argv, err)
	}
	cmd.Stdout, cmd.Stderr = out.w, errs.w
	err = cmd.Run()
	stdout, stderr = out.end(), errs.end()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil && err != nil:
		err = fmt.Errorf("run %q in bed: %w (stderr: %s)", argv, ctx.Err(), lastLines(stderr, 3))
	case errors.As(err, &exit) && exit.Exited():
		return stdout, stderr, exit.ExitCode(), nil
	case err != nil:
		err = fmt.Errorf("run %q in bed: %w (stderr: %s)", argv, err, lastLines(stderr, 3))
	default:
		return stdout, stderr, 0, nil
	}
	return stdout, stderr, -1, err
}

func userEnv(name, home, shell string) []string {
	return []string{
		"PATH=" + searchPath, "HOME=" + home, "USER=" + name, "LOGNAME=" + name, "SHELL=" + shell,
		"LANG=C.UTF-8", "TERM=dumb",
	}
}

// An account is a line of the bed's /etc/passwd.
type account struct {
	name, home, shell string
	uid, gid          int
}

func (b *Bed) lookup(name string) (account, error) {
	data, err := b.Read("/etc/passwd")
	if err != nil {
		return account{}, err
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 7 || f[0] != name {
			continue
		}
		uid, uidErr := strconv.Atoi(f[2])
		gid, gidErr := strconv.Atoi(f[3])
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("bed %s: /etc/passwd: user %q: %w", b.Name(), name, err)
		}
		return account{name: name, home: f[5], shell: f[6], uid: uid, gid: gid}, nil
	}
	return account{}, fmt.Errorf("bed %s: no user %q", b.Name(), name)
}
