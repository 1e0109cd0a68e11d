//go:build unix

package ship_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform/files"
)

// The checkpoint is in a directory of the service's user, and the shipper may run as root. It
// neither waits for nor follows a planted file.
func TestIssue9_APlantedCheckpointIsRefused(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"a FIFO":                   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a link to an endless":     func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to somebody's":     func(path string) error { return os.Symlink("/etc/hostname", path) },
		"a directory in its place": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.must(plant(b.opts.Checkpoint))
			wantError(t, b.tryOpen(), files.ErrUntrusted, "remove it")
		})
	}
}
