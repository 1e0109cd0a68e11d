//go:build unix

package handover_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/service/internal/handover"
)

// execute runs the test binary under the name with which it executes another program.
func execute(t *testing.T, argv ...string) (pid int, out, said string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Cmd{Path: os.Args[0], Args: append([]string{handover.Name}, argv...), Stdout: &stdout, Stderr: &stderr, Env: []string{"an odd-name=odd"}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the code says it
	return cmd.Process.Pid, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// The program has its own PID in LISTEN_PID, and is otherwise the same as without the step in
// between.
func TestHandover(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	pid, out, said, code := execute(t, sh, "zeroth", "-c", `echo $LISTEN_PID $$ "$0" "$1"; exit 7`, "a b", "-test.run=x")
	if want := fmt.Sprintf("%d %d a b -test.run=x\n", pid, pid); out != want || code != 7 {
		t.Errorf("%q, %q, exit code %d, want %q and 7", out, said, code, want)
	}
	env, err := exec.LookPath("env")
	if err != nil {
		t.Skip("there is no env")
	}
	if pid, out, said, _ := execute(t, env, "env"); out != fmt.Sprintf("an odd-name=odd\nLISTEN_PID=%d\n", pid) {
		t.Errorf("%q, %q", out, said)
	}
}

// If the program cannot be executed, the process does not reach main, which would take the
// arguments for its own.
func TestHandoverToNobody(t *testing.T) {
	_, out, said, code := execute(t, "/nonexistent/program", "program")
	if code != 126 || out != "" || said != "execute /nonexistent/program: no such file or directory\n" {
		t.Errorf("%q, %q, exit code %d", out, said, code)
	}
}
