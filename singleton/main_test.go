package singleton_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/singleton"
)

// The test binary plays the other processes: ROLE=hold acquires the name, prints "held" or
// "refused: ...", and lives until its standard input ends.
const roleVariable = "HOLDFAST_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "hold":
		hold(true)
	case "hold-and-fork":
		hold(false)
	case "linger": // a child that knows nothing of locks
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

func hold(alone bool) {
	o := singleton.Options{Name: "feedd", Dir: os.Getenv("DIR"), StateDir: os.Getenv("STATE_DIR"), Origin: os.Getenv("ORIGIN")}
	o.Overlap, _ = time.ParseDuration(os.Getenv("OVERLAP"))
	l, err := singleton.Acquire(o)
	if err != nil {
		kind := "?"
		for _, k := range []error{singleton.ErrHeld, singleton.ErrDenied, singleton.ErrBroken} {
			if errors.Is(err, k) {
				kind = k.Error()
			}
		}
		fmt.Printf("refused: %s: %v\n", kind, err)
		os.Exit(75)
	}
	if !alone {
		exe, _ := os.Executable()
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), roleVariable+"=linger")
		cmd.Stdin = os.Stdin
		if err := cmd.Start(); err != nil {
			fmt.Println("refused: no child:", err)
			os.Exit(1)
		}
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := l.Release(); err != nil {
		fmt.Println("release:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// An other is another process.
type other struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Reader
}

func start(t *testing.T, role string, o singleton.Options, change func(*exec.Cmd)) *other {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, "DIR="+o.Dir, "STATE_DIR="+o.StateDir,
		"ORIGIN="+o.Origin, "OVERLAP="+o.Overlap.String())
	if change != nil {
		change(cmd)
	}
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
	p := &other{cmd: cmd, stdin: in, lines: bufio.NewReader(out)}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return p
}

func (p *other) says(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the other process said nothing: %v", err)
	}
	return strings.TrimSpace(line)
}

func (p *other) expect(t *testing.T, prefix string) string {
	t.Helper()
	line := p.says(t)
	if !strings.HasPrefix(line, prefix) {
		t.Fatalf("the other process says %q, want %q", line, prefix)
	}
	return line
}

func (p *other) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

func options(t *testing.T) singleton.Options {
	return singleton.Options{Name: "feedd", Dir: t.TempDir(), StateDir: t.TempDir(), Origin: "test"}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
