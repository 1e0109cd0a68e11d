package state_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/proc"
	"github.com/holdfast-dev/holdfast/platform/state"
)

func TestOwnSettings(t *testing.T) {
	path := state.ProgramSettingsPath(t.TempDir(), "feedd")
	p := proc.Identity{PID: 7, Start: 3, Boot: "b"}
	if _, err := state.ReadProgramSettings(path, p); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	want := map[string]string{"feeds.key": "0a"}
	if err := state.WriteProgramSettings(path, p, want); err != nil {
		t.Fatal(err)
	}
	if got, err := state.ReadProgramSettings(path, p); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("others may read it: %v, %v", info, err)
	}
	if _, err := state.ReadProgramSettings(path, proc.Identity{PID: 7, Start: 4, Boot: "b"}); err == nil || !strings.Contains(err.Error(), "another process (7)") {
		t.Errorf("of another process: %v", err)
	}
	if err := os.WriteFile(path, []byte("no JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.ReadProgramSettings(path, p); !errors.Is(err, files.ErrMalformed) {
		t.Errorf("no JSON: %v", err)
	}
	if err := state.WriteProgramSettings(filepath.Join(path, "x"), p, want); err == nil {
		t.Error("it was written below a file")
	}
}
