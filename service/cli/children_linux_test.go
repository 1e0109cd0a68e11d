package cli_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// Children are counted without pgrep, which many containers do not have.
func TestChildrenWithoutPgrep(t *testing.T) {
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/nonexistent")
	if r := cli.ThisMachine().Measure(os.Getpid()); r == nil || r.Children < 1 {
		t.Errorf("%+v", r)
	}
	_ = in.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}
