package jobobject_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/holdfast-dev/holdfast/internal/jobobject"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_JOBOBJECT_TEST_ROLE"

// The test binary also plays the processes of its tests.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "keeper": // of a process that it tells the number of
		cmd := play("deaf")
		if _, err := jobobject.Start(cmd, 0); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(cmd.Process.Pid)
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "parent": // of one that is not asked what it wants
		cmd := play("deaf")
		if err := cmd.Start(); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println(cmd.Process.Pid)
		}
		time.Sleep(time.Hour)
	case "deaf":
		time.Sleep(time.Hour) // select {} alone would be a deadlock
	default:
		os.Exit(m.Run())
	}
}

// play returns a command that runs the test binary in a role.
func play(role string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// told returns the process that the first line of out names.
func told(t *testing.T, out io.Reader) proc.Identity {
	t.Helper()
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	id, err := proc.Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = id.Signal(os.Kill) })
	return id
}

func goes(t *testing.T, id proc.Identity) {
	t.Helper()
	ctx, done := wait.Context(t, context.Background(), "it goes with the other")
	defer done()
	if err := id.Wait(ctx); err != nil {
		t.Error(err)
	}
}

// If the keeper is killed, its command ends, whatever it does.
func TestACommandEndsWithItsKeeper(t *testing.T) {
	keeper := play("keeper")
	if _, err := keeper.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := keeper.StdoutPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kept := told(t, out)
	_ = keeper.Process.Kill()
	_ = keeper.Wait()
	goes(t, kept)
}

// Kill ends a command and what it has started, except for processes that the flags leave
// alone.
func TestKill(t *testing.T) {
	for name, tt := range map[string]struct {
		flags uint32
		alive uint32
	}{
		"the whole job":   {0, 2},
		"free are others": {windows.JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, 1},
	} {
		t.Run(name, func(t *testing.T) {
			parent := play("parent")
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			j, err := jobobject.Start(parent, tt.flags)
			if err != nil {
				t.Fatal(err)
			}
			child := told(t, out)
			if n, err := j.Alive(); err != nil || n != tt.alive {
				t.Errorf("%d processes, want %d; %v", n, tt.alive, err)
			}
			j.Kill()
			_ = parent.Wait()
			if code := parent.ProcessState.ExitCode(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if tt.alive == 2 {
				goes(t, child)
			} else if alive, err := child.Alive(); err != nil || !alive {
				t.Errorf("what is free lives: %v, %v", alive, err)
			}
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A program that cannot be executed leaves nothing behind.
func TestStartOfWhatIsNotThere(t *testing.T) {
	if _, err := jobobject.Start(exec.Command(t.TempDir()+`\none.exe`), 0); err == nil {
		t.Error("started")
	}
}
