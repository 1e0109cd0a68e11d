package cli_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/service"
	"github.com/holdfast-dev/holdfast/service/cli"
	"github.com/holdfast-dev/holdfast/singleton"
)

const roleVariable = "HOLDFAST_TEST_ROLE"

// The test binary plays a holder that listens to nobody.
func TestMain(m *testing.M) {
	if dir := os.Getenv(roleVariable); dir != "" {
		if _, err := singleton.Acquire(singleton.Options{Name: "feedd", Dir: dir, StateDir: dir}); err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

func holdDeaf(t *testing.T, dir string) (end io.Closer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleVariable+"="+dir)
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
	if _, err := io.ReadFull(out, make([]byte, len("held\n"))); err != nil {
		t.Fatal(err)
	}
	return in
}

// A process that has stopped listening is about to end. `stop` waits for the end, says why it
// could not ask, and kills if it may.
func TestStopOfADeafHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	cfg := service.Config{Name: "feedd", RuntimeDir: dir, StateDir: dir}
	stop := func(args ...string) error {
		_, err := command(t, cfg, append([]string{"stop", "--manager", "none"}, args...)...)
		return err
	}
	end := holdDeaf(t, dir)
	if err := stop(); !errors.Is(err, proc.ErrDeaf) {
		t.Errorf("got %v, want ErrDeaf", err)
	}
	asked := make(chan error, 1)
	go func() { asked <- stop() }()
	_ = end.Close()
	if err := <-asked; err != nil {
		t.Errorf("it ended, and yet: %v", err)
	}
	holdDeaf(t, dir)
	if err := stop("--kill"); cli.ExitCode(err) != platform.ExitNotInOrder {
		t.Errorf("killed: %v", err)
	}
	if err := stop(); err != nil {
		t.Errorf("nobody is there: %v", err)
	}
}
