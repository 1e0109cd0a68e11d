//go:build unix

package service_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A FIFO is refused without waiting. `run --config FIFO` used to block so that it could not
// even be stopped.
func TestConfigurationIsNoFIFO(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo.toml")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, fifo, "a FIFO")
	link := filepath.Join(dir, "link.toml")
	if err := os.Symlink(fifo, link); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, link, "a FIFO")
	t.Chdir(dir) // the name of a socket must be short
	l, err := net.Listen("unix", "s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	wantRefused(t, "s", "a socket")
}
