//go:build unix

package state_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
	"github.com/holdfast-dev/holdfast/platform/state"
)

// A service's user owns the directory: what he plants there neither hangs nor
// misleads whoever reads it (fault C).
func TestPlantedStateFile(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(`{"name":"secret"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	fifo, link := filepath.Join(dir, "fifo.state.json"), filepath.Join(dir, "link.state.json")
	if err := errors.Join(unix.Mkfifo(fifo, 0o600), os.Symlink(secret, link)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, link} {
		if s, err := state.Read(path); !errors.Is(err, files.ErrUntrusted) || s.Name != "" {
			t.Errorf("%s: %+v, %v", path, s, err)
		}
	}
}
