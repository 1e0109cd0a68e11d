//go:build linux || darwin || freebsd

package proc_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/proc"
)

func TestNameWithParenthesesAndSpaces(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := filepath.Join(t.TempDir(), "a) Z 1 (x\n)")
	if err := os.Symlink(exe, named); err != nil {
		t.Fatal(err)
	}
	id := mustOf(t, run(t, named, "linger").Process.Pid)
	if alive, err := id.Alive(); !alive || err != nil {
		t.Errorf("alive=%v err=%v", alive, err)
	}
}

func TestListenIsForThoseWithoutSignals(t *testing.T) {
	if _, _, err := proc.Listen(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}
