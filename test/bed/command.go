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

// searchPath is the PATH of every command in a bed; /usr/local first, so that a test can put a program before the system's.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Command returns a command that runs inside the bed as root, not started yet: in its namespaces, with its capabilities, with
// / as its directory and with an environment that owes nothing to the test's. Standard input is empty, output
// is discarded, unless the caller sets them. When ctx ends, the command's whole process group is killed; what it started in a
// session of its own, a daemon for one, runs on until the bed is off.
//
// Output that goes to a buffer is waited for one second after the command ends, in case a daemon keeps it open:
// Wait then returns [exec.ErrWaitDelay], and the daemon dies of SIGPIPE when it writes. [Bed.Run] spares it that.
//
// A name that is not in the bed ends with exit code 127 and a bed that is off with [ErrOff], both when it is run.
func (b *Bed) Command(ctx context.Context, argv ...string) *exec.Cmd {
	return b.command(ctx, userEnv("root", "/root", "/bin/sh"), nil, argv)
}

// CommandAs is [Bed.Command] as another user, by name. In a systemd bed it has XDG_RUNTIME_DIR and
// DBUS_SESSION_BUS_ADDRESS, so that `systemctl --user` reaches the user's manager, which must run: see
// [Bed.AddUser]. It is no login: neither PAM nor logind hears of it. An unknown user is an error of the command when it is run.
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

// Run runs argv inside the bed as root, see [Bed.Command], and waits for it. code is the exit code, and err is nil whatever
// code is: err says that the command could not be run, was killed by a signal, or that ctx ended. A command that leaves a daemon
// behind with its output still open does not hold Run up; what the daemon writes later is read and dropped.
func (b *Bed) Run(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error) {
	return run(ctx, b.Command(ctx, argv...), argv)
}

// RunAs is [Bed.Run] as another user, see [Bed.CommandAs]; the empty name is root.
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

// run waits for cmd with its output captured.
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

// account is a line of the bed's /etc/passwd.
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
