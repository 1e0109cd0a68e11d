package kardianos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/native"
)

func absolute(path string) (string, error) { return filepath.Abs(path) }

// Interactive reports whether a person started this process.
func (s *adoptee) Interactive() bool { return s.system.Interactive() }

// isItself reports whether this process is the service, according to its manager. The
// definition may be ours or the library's.
func (s *adoptee) isItself() bool {
	if s.Interactive() {
		return false
	}
	m, err := s.manager()
	if err != nil {
		return false
	}
	d, err := s.definition(m)
	if err != nil || d == nil {
		return false
	}
	if !d.Ours {
		program, err := s.executable()
		if err != nil || leavers[s.system.manager] == nil || !s.names(d, program) {
			return false
		}
		if s.system.manager == "sysv" { // its script knows the process only by this file
			pid, err := native.System{}.ReadFile("/var/run/" + s.config.Name + ".pid")
			return err == nil && strings.TrimSpace(string(pid)) == strconv.Itoa(os.Getpid())
		}
	}
	if s.system.starter == "openrc" && supervised(s.id().String()) {
		return true
	}
	st, err := m.Status(context.Background(), s.id())
	return err == nil && (st.PID == os.Getpid() || st.PID != 0 && st.PID == os.Getppid() && s.system.starter != "")
}

// supervised reports whether the parent of this process is OpenRC's supervise-daemon for the
// service with that name. OpenRC itself does not know the PID until supervise-daemon has
// recorded it, which may be after the process has begun.
func supervised(name string) bool {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", os.Getppid()))
	words := strings.Split(string(content), "\x00")
	return err == nil && len(words) > 1 && filepath.Base(words[0]) == "supervise-daemon" && words[1] == name
}

// leavers has the managers' own commands that stop or restart what the library has installed,
// by name and verb.
var leavers = map[string]func(name, verb string) []string{
	"systemd": func(name, verb string) []string {
		return []string{"systemctl", verb, "--no-block", name + ".service"}
	},
	"sysv":   func(name, verb string) []string { return []string{"service", name, verb} },
	"openrc": func(name, verb string) []string { return []string{"rc-service", name, verb} },
	"scm": func(name, verb string) []string {
		if verb == "restart" {
			return []string{"cmd", "/c", "net stop " + name + " & net start " + name}
		}
		return []string{"net", verb, name}
	},
}

// leave lets the service be stopped or restarted by a process that outlives it, because a
// process that waits for its own end would finally be killed. systemd can do it itself.
// Elsewhere it is a process of this program that runs one of holdfast's commands, or the
// manager's own command if the definition is the library's.
func (s *adoptee) leave(verb string) error {
	s.asking <- struct{}{}
	defer func() { <-s.asking }()
	cmd, err := s.leaver(verb)
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, s.config.Name, err)
	}
	if s.system.manager == "systemd" {
		_, err := (native.System{}).Run(context.Background(), cmd.Args...)
		var killed *exec.ExitError
		if err == nil || errors.As(err, &killed) && killed.ExitCode() < 0 { // the stop that it has requested killed the command, too
			return nil
		}
		return fmt.Errorf("%s %q: %w", verb, s.config.Name, err)
	}
	cmd.SysProcAttr = ownSession()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s %q: %w", verb, s.config.Name, err)
	}
	go func() { _ = cmd.Wait() }() // reap it
	return nil
}

func (s *adoptee) leaver(verb string) (*exec.Cmd, error) {
	m, err := s.manager()
	if err != nil {
		return nil, err
	}
	d, err := s.definition(m)
	if err != nil {
		return nil, err
	}
	id := s.id()
	if s.system.manager == "systemd" || d != nil && !d.Ours {
		argv := leavers[s.system.manager](id.String(), verb)
		if id.Scope == platform.ScopeUser {
			argv = append(argv, "--user")
		}
		return exec.Command(argv[0], argv[1:]...), nil //nolint:gosec,noctx // it outlives us
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c, _ := s.settings()
	// OpenRC does neither while it starts the service, which may be in its first moments.
	limit := c.StartTimeout + c.StopTimeout + c.StartTimeout + platform.StopMargin
	cmd := exec.Command(program, verb, "--manager", s.system.manager, "--scope", string(id.Scope), "--timeout", limit.String()) //nolint:gosec,noctx // ourselves, and it outlives us
	cmd.Env = append(cmd.Environ(), variable+"="+s.config.Name)
	cmd.Dir = filepath.VolumeName(program) + string(filepath.Separator)
	return cmd, nil
}

// answered waits until callers inside the service who have requested its end have got their
// answer, or ctx ends. They get it before the service begins to stop.
func (s *adoptee) answered(ctx context.Context) {
	select {
	case s.asking <- struct{}{}:
		<-s.asking
	case <-ctx.Done():
	}
}
