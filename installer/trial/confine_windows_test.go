package trial_test

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

	"github.com/holdfast-dev/holdfast/installer/trial"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/test/wait"
)

const roleVariable = "HOLDFAST_TRIAL_TEST_ROLE"

// This binary is also the processes of its tests.
func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "keeper": // of a process that it tells the number of
		fmt.Println(keepAnother())
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "deaf":
		time.Sleep(time.Hour) // select {} alone would be a deadlock
	default:
		os.Exit(m.Run())
	}
}

func keepAnother() string {
	exe, err := os.Executable()
	if err != nil {
		return err.Error()
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"=deaf")
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	if err := trial.Confine(cmd.Process.Pid); err != nil {
		return err.Error()
	}
	return strconv.Itoa(cmd.Process.Pid)
}

// A keeper that is killed takes its candidate along, whatever that does.
func TestConfinedEndsWithItsKeeper(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	keeper := exec.Command(exe)
	keeper.Env = append(keeper.Environ(), roleVariable+"=keeper")
	_, err = keeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := keeper.StdoutPipe()
	if err == nil {
		err = keeper.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	kept, err := proc.Of(pid)
	if err != nil {
		t.Fatal(err)
	}
	_ = keeper.Process.Kill()
	_ = keeper.Wait()
	ctx, done := wait.Context(t, context.Background(), "it goes with its keeper")
	defer done()
	if err := kept.Wait(ctx); err != nil {
		_ = kept.Signal(os.Kill)
		t.Error(err)
	}
}
