//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/service/logsink"
)

// An agent is a program that prints what happens to it.
type agent struct{ refuses string }

func (agent) Start(_ context.Context, rt *service.Runtime) error {
	fmt.Println("started", strings.Join(rt.Config().Args, ","))
	return nil
}

func (a agent) Reload(context.Context) error {
	fmt.Println("reloaded")
	if a.refuses != "" {
		return errors.New(a.refuses)
	}
	return nil
}

func (agent) Stop(context.Context) error {
	fmt.Println("stopped")
	return nil
}

func agentConfig(dir string) service.Config {
	return service.Config{
		Name: "agent", RuntimeDir: filepath.Join(dir, "run"), StateDir: filepath.Join(dir, "state"),
		Log: logsink.Options{File: filepath.Join(dir, "agent.log")},
	}
}

// playAgent is a program with only the service's commands.
func playAgent(dir string) int {
	return cli.Main(agentConfig(dir), agent{os.Getenv("HOLDFAST_CLI_TEST_REFUSES")})
}

// playAcme is an application that has them two levels down, with a main of one line.
func playAcme(dir string) int {
	acme := &cobra.Command{Use: "acme", PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
		fmt.Println("hook of acme:", cmd.Name())
		return nil
	}}
	admin := &cobra.Command{Use: "admin"}
	tree := cli.Command(agentConfig(dir), agent{os.Getenv("HOLDFAST_CLI_TEST_REFUSES")})
	tree.Use = "acme-agent"
	admin.AddCommand(tree)
	acme.AddCommand(admin)
	return cli.ExitCode(acme.Execute())
}

// inDir returns a command that runs the test binary in a role.
func inDir(t *testing.T, role, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "HOLDFAST_CLI_TEST_DIR="+dir, "GORACE=atexit_sleep_ms=0", "NO_COLOR=1")
	return cmd
}

// outcome runs a command to its end.
func outcome(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// A mounted tree works like one that is not: `run` runs, and the other commands find it (issue
// 9, 8).
func TestDriven(t *testing.T) {
	for _, tt := range []struct {
		role   string
		prefix []string
		hooks  bool
	}{
		{"agent", nil, false},
		{"acme", []string{"admin", "acme-agent"}, true},
	} {
		t.Run(tt.role, func(t *testing.T) {
			dir := t.TempDir()
			call := func(args ...string) *exec.Cmd {
				return inDir(t, tt.role, dir, append(append([]string{}, tt.prefix...), args...)...)
			}
			run := call("run", "--", "x", "-y")
			out, err := run.StdoutPipe()
			if err == nil {
				err = run.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
			lines := bufio.NewScanner(out)
			if tt.hooks {
				expect(t, lines, "hook of acme: run")
			}
			expect(t, lines, "started x,-y")

			code, text, errs := outcome(t, call("reload", "--manager", "none"))
			if code != 0 || errs != "" {
				t.Fatalf("reload: %d, %s%s", code, text, errs)
			}
			expect(t, lines, "reloaded")
			code, text, errs = outcome(t, call("status", "--json", "--manager", "none"))
			if _, after, ok := strings.Cut(text, "{"); ok { // behind the hook's words
				text = "{" + after
			}
			var s said
			if err := json.Unmarshal([]byte(text), &s); err != nil || code != 0 || s.PID != run.Process.Pid || !s.Ready {
				t.Errorf("status: %d, %v, %s%s", code, err, text, errs)
			}
			code, _, errs = outcome(t, call("run"))
			if code != 75 || errs != "" { // its log has it
				t.Errorf("a second one: %d, %s", code, errs)
			}
			code, text, errs = outcome(t, call("stop", "--manager", "none"))
			if code != 0 || errs != "" {
				t.Errorf("stop: %d, %s%s", code, text, errs)
			}
			expect(t, lines, "stopped")
			if _, err := io.ReadAll(out); err != nil {
				t.Error(err)
			}
			if err := run.Wait(); err != nil {
				t.Errorf("its end: %v", err)
			}
			code, text, errs = outcome(t, call("status", "--manager", "none"))
			if code != 3 || errs != "" || !strings.Contains(text, "agent is stopped") || !strings.Contains(text, "clean: asked to stop by SIGTERM") {
				t.Errorf("status of what has ended: %d, %s%s", code, text, errs)
			}
		})
	}
}

// A refused reload returns the program's own words, and the service goes on.
func TestDrivenReloadIsRefused(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("HOLDFAST_CLI_TEST_REFUSES", "port 99999 is none")
	run := inDir(t, "agent", dir, "run")
	out, err := run.StdoutPipe()
	if err == nil {
		err = run.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })
	lines := bufio.NewScanner(out)
	expect(t, lines, "started ")
	code, _, errs := outcome(t, inDir(t, "agent", dir, "reload", "--manager", "none"))
	if code != 1 || strings.Count(errs, "port 99999 is none") != 1 {
		t.Errorf("%d, %s", code, errs)
	}
	code, text, _ := outcome(t, inDir(t, "agent", dir, "status", "--manager", "none"))
	if code != 0 || !strings.Contains(text, "1 (1 failed)") || !strings.Contains(text, "refused: ") || !strings.Contains(text, "MiB") {
		t.Errorf("%d, %s", code, text)
	}
}

// Main prints an error once, in one form, with a hint that names the command. It prints
// nothing if the command or the log already has the error.
func TestMainPrints(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		code int
		errs string
	}{
		"an error":            {[]string{"reload", "--manager", "none"}, 1, "agent: reload \"agent\": service is not running\n"},
		"usage":               {[]string{"status", "--bogus"}, 2, "agent: unknown flag: --bogus\nTry \"agent status --help\".\n"},
		"an unknown command":  {[]string{"statsu"}, 2, "agent: unknown command \"statsu\" for \"agent\": did you mean status?\nTry \"agent --help\".\n"},
		"a value":             {[]string{"stop", "--scope", "x"}, 2, "agent: --scope \"x\" is not one of auto, system, user\nTry \"agent stop --help\".\n"},
		"an exit code only":   {[]string{"status", "--manager", "none"}, 3, ""},
		"nothing":             {[]string{"version"}, 0, ""},
		"what scripts call":   {[]string{"spawn", "--umask", "9", "--", "/bin/true"}, 2, "agent: --umask \"9\" is not an octal mode\nTry \"agent spawn --help\".\n"},
		"a spawn that failed": {[]string{"spawn", "--directory", "/nonexistent", "--", "/bin/true"}, 78, "agent: spawn \"agent\": "},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, errs := outcome(t, inDir(t, "agent", t.TempDir(), tt.args...))
			if code != tt.code || errs != tt.errs && (tt.code != 78 || !strings.HasPrefix(errs, tt.errs)) {
				t.Errorf("%d, %q, want %d, %q", code, errs, tt.code, tt.errs)
			}
		})
	}
}

// A supervisor ends like its service did. Meanwhile it holds a name by which `stop` finds it,
// and stops the service on request.
func TestSupervised(t *testing.T) {
	dir := t.TempDir()
	supervise := func(args ...string) *exec.Cmd {
		flags := []string{"supervise", "--manager", "none", "--starter", "sysv", "--restart", "on-failure", "--delay", "1h", "--"}
		return inDir(t, "agent", dir, append(flags, args...)...)
	}
	if code, _, errs := outcome(t, supervise("/bin/sh", "-c", "exit 78")); code != 78 || !strings.Contains(errs, "not restarted") {
		t.Errorf("for good: %d, %s", code, errs)
	}
	if code, _, errs := outcome(t, supervise("/nonexistent/program")); code != 1 || !strings.Contains(errs, "no such file") {
		t.Errorf("not there: %d, %s", code, errs)
	}

	parent := supervise("/bin/sh", "-c", "echo begun; exit 1")
	out, err := parent.StdoutPipe()
	if err == nil {
		err = parent.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = parent.Process.Signal(syscall.SIGKILL); _ = parent.Wait() })
	expect(t, bufio.NewScanner(out), "begun")
	code, text := 0, ""
	for range 1000 { // it has yet to take note of that end
		if code, text, _ = outcome(t, inDir(t, "agent", dir, "status", "--manager", "none")); strings.Contains(text, "next try in ") {
			break
		}
	}
	if code != 3 || !strings.Contains(text, "agent is failed") || !strings.Contains(text, "next try in ") || !strings.Contains(text, "not clean: exit code 1\n") {
		t.Errorf("status: %d, %s", code, text)
	}
	if code, _, errs := outcome(t, supervise("/bin/true")); code != 75 || !strings.Contains(errs, "already running") {
		t.Errorf("a second one: %d, %s", code, errs)
	}
	if code, _, errs := outcome(t, inDir(t, "agent", dir, "stop", "--manager", "none")); code != 0 {
		t.Errorf("stop: %d, %s", code, errs)
	}
	if _, err := io.ReadAll(out); err != nil {
		t.Error(err)
	}
	if err := parent.Wait(); parent.ProcessState.ExitCode() != 1 {
		t.Errorf("its end: %v", err)
	}
}

// A FIFO that somebody has put into the service's directories, or in place of its
// configuration, is refused at once by every command (faults B and C).
func TestPlantedFIFOs(t *testing.T) {
	const state, last, pid, config = "run/agent.state.json", "state/agent.lastrun.json", "run/agent.pid", "agent.toml"
	for _, tt := range []struct {
		planted string
		args    []string
		code    int
		says    string
	}{
		{state, []string{"status"}, 2, "agent is stopped"},
		{state, []string{"stop"}, 0, "not running"},
		{state, []string{"reload"}, 1, "not running"},
		{last, []string{"status"}, 3, "is a FIFO, not a regular file"},
		{last, []string{"reload"}, 1, "not running"},
		{pid, []string{"status"}, 1, "is a FIFO, not a regular file"},
		{pid, []string{"stop"}, 0, "is a FIFO, not a regular file"},
		{config, []string{"status"}, 3, "the next start will fail"},
		{config, []string{"reload"}, 1, "not running"},
		{config, []string{"stop"}, 0, "not running"},
		{config, []string{"logs"}, 0, "without the configuration file"},
		{config, []string{"check"}, 78, "agent.toml"},
		{config, []string{"plan", "--manager", "systemd"}, 78, "agent.toml"},
		{config, []string{"run"}, 78, "agent.toml"},
	} {
		t.Run(tt.planted+" "+tt.args[0], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, d := range []string{"run", "state"} {
				if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, "agent.log"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mkfifo(filepath.Join(dir, tt.planted), 0o644); err != nil {
				t.Fatal(err)
			}
			args := tt.args
			if args[0] != "plan" && args[0] != "run" {
				args = append(args, "--manager", "none")
			}
			if tt.planted == config {
				args = append(args, "--config", filepath.Join(dir, config))
			}
			code, text, errs := outcome(t, inDir(t, "agent", dir, args...))
			if code != tt.code || !strings.Contains(text+errs, tt.says) {
				t.Errorf("%q: %d, want %d and %q:\n%s%s", args, code, tt.code, tt.says, text, errs)
			}
		})
	}
}
