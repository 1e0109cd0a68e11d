//go:build unix

package sockets_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/service/internal/sockets"
)

// shortDir returns a directory whose path is short enough for a socket in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "s") //nolint:usetesting // its paths are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestFileOfASocket(t *testing.T) {
	mask := syscall.Umask(0o077) // which does not take from what is configured
	defer syscall.Umask(mask)
	for mode, want := range map[string]os.FileMode{"": 0o660, "0600": 0o600, "0666": 0o666, "0777": 0o777} {
		path := shortDir(t) + "/s"
		s := newStore(t)
		p := s.run(t, platform.Socket{Name: "api", Listen: "unix:" + path, Mode: mode})
		info, err := os.Lstat(path)
		if err != nil || info.Mode()&os.ModeSocket == 0 || info.Mode().Perm() != want {
			t.Fatalf("%q: %v, %v", mode, info.Mode(), err)
		}
		p.Close()
		p = s.run(t, platform.Socket{Name: "api", Listen: "unix:" + path, Mode: "0640"})
		if info, err = os.Lstat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("another mode: %v, %v", info.Mode(), err)
		}
		l := p.listen(t, "api")
		answer(t, l, dial(t, l.Addr()), "fine")
	}
}

// The file is never more accessible than configured, whatever the umask. Until it gets another
// owner, only we can access it.
func TestFileIsNarrowFromTheFirstMoment(t *testing.T) {
	mask := syscall.Umask(0)
	defer syscall.Umask(mask)
	for name, tt := range map[string]struct {
		socket platform.Socket
		most   os.FileMode
	}{
		"its mode":      {platform.Socket{Mode: "0600"}, 0o600},
		"the default":   {platform.Socket{}, 0o660},
		"another owner": {platform.Socket{Mode: "0666", Owner: "65534"}, 0o600},
		"another group": {platform.Socket{Group: "65534"}, 0o600},
	} {
		tt.socket.Listen = "unix:" + shortDir(t) + "/s"
		l, err := sockets.ListenUnowned(t.Context(), tt.socket)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(l.Addr().String())
		if err != nil || info.Mode().Perm()&^tt.most != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
		_ = l.Close()
	}
	if now := syscall.Umask(0); now != 0 {
		t.Errorf("the umask is %#o now", now)
	}
}

func TestFileHasAnOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	path := shortDir(t) + "/s"
	newStore(t).run(t, platform.Socket{Name: "api", Listen: "unix:" + path, Owner: "65534", Group: "nogroup"})
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if is := info.Sys().(*syscall.Stat_t); is.Uid != 65534 || is.Gid == 0 || info.Mode().Perm() != 0o660 {
		t.Errorf("owner %d, group %d, %v", is.Uid, is.Gid, info.Mode())
	}
	for key, socket := range map[string]platform.Socket{
		"owner": {Name: "api", Listen: "unix:" + path + "2", Owner: "nobody-of-that-name"},
		"group": {Name: "api", Listen: "unix:" + path + "2", Group: "nobody-of-that-name"},
	} {
		_, err := newStore(t).start(t, nil, socket)
		if err == nil {
			t.Fatalf("%s is not missed", key)
		}
		says(t, err.Error(), `socket "api" at unix:`+path, key+": ", "nobody-of-that-name")
		if _, err := os.Lstat(path + "2"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it leaves a file: %v", err)
		}
	}
}

// The file of a killed process is removed. A file that is in use, or that is no socket, is
// not.
func TestWhatIsInThePlaceOfTheFile(t *testing.T) {
	dir := shortDir(t)
	leftover, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/stale"})
	if err != nil {
		t.Fatal(err)
	}
	leftover.SetUnlinkOnClose(false)
	_ = leftover.Close()
	busy, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + "/busy"})
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	packets, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/packets"})
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	if err := errors.Join(os.WriteFile(dir+"/file", nil, 0o600), os.Symlink(dir+"/busy", dir+"/link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"stale": "", "new": "", "busy": "address already in use", "packets": "address already in use",
		"file": "is not a socket", "link": "is not a socket", "missing/s": "no such file",
	} {
		_, err := newStore(t).start(t, nil, platform.Socket{Name: "api", Listen: "unix:" + filepath.Join(dir, name)})
		switch {
		case want == "" && err == nil:
		case want == "" || err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", name, err, want)
		case want == "address already in use" && !errors.Is(err, syscall.EADDRINUSE):
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := filepath.Glob(dir + "/*"); err != nil || !slices.Contains(left, dir+"/busy") || !slices.Contains(left, dir+"/file") {
		t.Errorf("left: %q, %v", left, err)
	}
}

// Two listeners find the file of a killed process. The second one is about to remove it when
// the first one has already replaced it. The first one continues.
func TestStaleFileIsReplacedMeanwhile(t *testing.T) {
	path := shortDir(t) + "/s"
	leave := func() os.FileInfo {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		_ = l.Close()
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	stale := leave()
	first, err := sockets.ListenAtFile(t.Context(), path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := sockets.RemoveStale(path, stale); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the second one: %v", err)
	}
	answer(t, first, dial(t, first.Addr()), "the first")

	// Whoever is bound and does not listen yet is not stale. Only Linux tells.
	_ = first.Close()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if _, err := sockets.ListenAtFile(t.Context(), path, 0o600); runtime.GOOS == "linux" && !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("before it listens: %v", err)
	}
	if left, err := filepath.Glob(filepath.Dir(path) + "/.*"); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// A kept socket is useless once somebody has removed its file.
func TestFileOfAKeptSocketIsGone(t *testing.T) {
	path := shortDir(t) + "/s"
	s := newStore(t)
	socket := platform.Socket{Name: "api", Listen: "unix:" + path}
	s.run(t, socket).Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p := s.run(t, socket)
	says(t, p.log.String(), "its file is gone")
	l := p.listen(t, "api")
	answer(t, l, dial(t, l.Addr()), "fine")
	if !slices.Equal(s.heard, []string{"forget holdfast.api", "keep holdfast.api"}) {
		t.Errorf("heard %q", s.heard)
	}
}
