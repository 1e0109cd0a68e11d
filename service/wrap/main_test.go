package wrap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// roleVariable makes the test binary a service that wraps a command, or such a command.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "service":
		const patience = 10 * time.Minute // the machine may be slow; tests of limits set their own
		cfg := service.Config{
			Name: "wrapped", File: os.Args[1], RuntimeDir: os.Args[2], StateDir: os.Args[3], AsRoot: true,
			StartTimeout: patience, StopTimeout: 2 * patience,
		}
		base := wrap.Defaults()
		base.Stop.Grace, base.Ready.Timeout, base.Health.Timeout, base.Hooks.Timeout, base.Reload.Timeout = patience, patience, patience, patience, patience
		os.Exit(service.ExitCode(service.Run(context.Background(), cfg, &wrap.Program{Base: &base})))
	case "command":
		os.Exit(command(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

// A life is a service in a process of its own, with the command that it wraps.
type life struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
	err bytes.Buffer

	ended chan struct{}
}

func newLife(t *testing.T, config string) *life {
	t.Helper()
	l := &life{t: t, dir: t.TempDir()}
	l.configure(config)
	return l
}

func (l *life) path(name string) string { return filepath.Join(l.dir, name) }

// quoted returns a string as TOML and JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// wrapped returns the table that makes the test binary the command.
func wrapped(args ...string) string {
	words := []string{quoted(os.Args[0])}
	for _, arg := range args {
		words = append(words, quoted(arg))
	}
	return "[wrap]\ncommand = [" + strings.Join(words, ", ") + "]\n"
}

// configure writes the configuration. DIR in it stands for the directory of the test.
func (l *life) configure(config string) {
	l.t.Helper()
	inside := quoted(l.dir)
	config = strings.ReplaceAll(config, "DIR", inside[1:len(inside)-1])
	text := fmt.Sprintf("[service.log]\nlevel = \"debug\"\nfile = %s\n%s\n[wrap.env]\n%s = \"command\"\nLIFE = %s\n",
		quoted(l.path("log")), config, roleVariable, quoted(l.dir))
	if err := os.WriteFile(l.path("config.toml"), []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
}

// start starts the service.
func (l *life) start() *life {
	l.t.Helper()
	l.cmd = exec.Command(os.Args[0], l.path("config.toml"), l.path("run"), l.path("state"))
	l.cmd.Env = append(os.Environ(), roleVariable+"=service")
	l.cmd.Stderr = &l.err
	if err := l.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	ended := make(chan struct{})
	l.ended = ended
	go func() { _ = l.cmd.Wait(); close(ended) }()
	l.t.Cleanup(func() { _ = l.cmd.Process.Kill(); <-ended })
	return l
}

func (l *life) state() (service.State, error) {
	return service.ReadState(filepath.Join(l.dir, "run", "wrapped.state.json"))
}

// scene returns what helps to find out why a test failed.
func (l *life) scene() string {
	s, err := l.state()
	return fmt.Sprintf("state: %+v, %v\n%s%s", s, err, l.logText(), l.err.String())
}

func (l *life) logText() string {
	b, _ := os.ReadFile(l.path("log"))
	return string(b)
}

func (l *life) await(phase platform.Phase) *life {
	l.t.Helper()
	l.until("it is "+string(phase), func() bool {
		s, err := l.state()
		return err == nil && s.Phase == phase && s.Process.PID == l.cmd.Process.Pid
	})
	return l
}

// until waits until so returns true. It fails the test if the service ends before.
func (l *life) until(what string, so func() bool) {
	l.t.Helper()
	wait.Until(l.t, what, func() bool {
		if so() {
			return true
		}
		select {
		case <-l.ended:
			if so() {
				return true
			}
			l.t.Fatalf("%s: the service has ended, %v\n%s", what, l.cmd.ProcessState, l.scene())
		default:
		}
		return false
	}, l.scene)
}

func (l *life) signal(sig os.Signal) {
	l.t.Helper()
	id, err := proc.Of(l.cmd.Process.Pid)
	if err == nil {
		err = id.Signal(sig)
	}
	if err != nil && !errors.Is(err, proc.ErrGone) {
		l.t.Fatal(err)
	}
}

// end waits for the end of the service and returns its exit code.
func (l *life) end() int {
	l.t.Helper()
	wait.For(l.t, "the end of the service", l.ended, l.scene)
	return l.cmd.ProcessState.ExitCode()
}

func (l *life) stop() int {
	l.t.Helper()
	l.signal(syscall.SIGTERM)
	return l.end()
}

// says waits until the log contains text.
func (l *life) says(text string) {
	l.t.Helper()
	wait.Until(l.t, fmt.Sprintf("the log says %q", text), func() bool { return strings.Contains(l.logText(), text) }, l.scene)
}

// touch creates a file in the directory of the test.
func (l *life) touch(name string) {
	l.t.Helper()
	if err := os.WriteFile(l.path(name), nil, 0o600); err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) read(name string) string {
	b, _ := os.ReadFile(l.path(name))
	return string(b)
}
