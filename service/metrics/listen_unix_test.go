//go:build linux || darwin

package metrics_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/service/metrics"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// The socket has its mode from the beginning, replaces only the socket of a killed run, and
// disappears with its service.
func TestTheSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.sock")
	leave := func() { // as a killed run does
		l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
		if err != nil {
			t.Fatal(err)
		}
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	leave()
	l, err := metrics.ListenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := metrics.ListenUnix(t.Context(), path); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
	// A later socket of somebody else stays.
	if l, err = metrics.ListenUnix(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	leave()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("another's socket: %v", err)
	}
	for name, plant := range map[string]func() error{
		"file":      func() error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"link":      func() error { return os.Symlink(filepath.Join(dir, "elsewhere"), path) },
		"fifo":      func() error { return syscall.Mkfifo(path, 0o600) },
		"directory": func() error { return os.Mkdir(path, 0o700) },
	} {
		if err := errors.Join(os.RemoveAll(path), plant()); err != nil {
			t.Fatal(err)
		}
		before, _ := os.Lstat(path)
		if l, err := metrics.ListenUnix(t.Context(), path); err == nil || !strings.Contains(err.Error(), "is not a socket") {
			_ = l.Close()
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
			t.Errorf("%s: it is not what it was: %v", name, err)
		}
	}
}

func TestAServiceAtASocket(t *testing.T) {
	l := home(t, "listen = \"unix:DIR/m.sock\"\nsocket_mode = \"0666\"\n")
	path := filepath.Join(l.dir, "m.sock")
	l.begin(nil)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	wait.Until(t, "the socket", func() bool { _, err := os.Lstat(path); return err == nil }, l.log)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://feedd/readyz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if info, err := os.Lstat(path); err != nil || resp.StatusCode != http.StatusOK || info.Mode().Perm() != 0o666 {
		t.Errorf("%d; %v, %v", resp.StatusCode, info.Mode(), err)
	}
	if err := l.end(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}
