package proc_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

// The test binary plays the other processes; each lives until its standard
// input ends.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "linger":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "self":
		_, err := proc.Self()
		fmt.Println(err)
	case "listen":
		sayWhatIsAsked()
	case "init":
		beInit()
	case "execute":
		executeAgain()
	}
}

// sayWhatIsAsked prints "listening", and then the requests that it receives, one in a line.
func sayWhatIsAsked() {
	requests, stop, err := proc.Listen()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("listening")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		fmt.Println("ended:", stop())
		os.Exit(0)
	}()
	for sig := range requests {
		fmt.Println(sig)
	}
}

// process is a running test binary in some role.
type process struct {
	*exec.Cmd
	stdin io.Closer
	lines *bufio.Reader
}

func child(t *testing.T, role string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, exe, role)
}

func run(t *testing.T, exe, role string) *process {
	t.Helper()
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &process{cmd, in, bufio.NewReader(out)}
}

func (p *process) says(t *testing.T, want string) {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if got := strings.TrimSpace(line); err != nil || got != want {
		t.Fatalf("it says %q (%v), want %q", got, err, want)
	}
}
