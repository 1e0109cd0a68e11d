package test_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
)

// Issue 9, A: a log destination that takes nothing must not delay the service. Destinations
// that need no other process to block (the Event Log, a file on a hung mount) are tested in
// package logsink.

// blockedKinds returns the ways in which a log destination takes nothing. Each returns the
// place as a service there sees it.
func blockedKinds() map[string]func(t *testing.T, p *place) *place {
	return map[string]func(t *testing.T, p *place) *place{
		"pipe that nobody reads": func(t *testing.T, p *place) *place {
			b := *p
			b.stderr, _ = fullPipe(t)
			return &b
		},
		"terminal stopped by ctrl-S": func(t *testing.T, p *place) *place {
			b := *p
			b.stderr = stoppedTerminal(t)
			return &b
		},
		"journal that nobody reads": func(t *testing.T, p *place) *place {
			p.configure(t, "[service.log]", `sink = "journald"`)
			return behindSocket(t, p)
		},
		"syslog that nobody reads": func(t *testing.T, p *place) *place {
			if _, err := os.Stat("/dev/log"); err == nil {
				t.Skip("this machine has a syslog at /dev/log, which would take the lines")
			}
			p.configure(t, "[service.log]", `sink = "syslog"`)
			return behindSocket(t, p)
		},
	}
}

// fullPipe returns the write end of a full pipe. It takes nothing until somebody reads r.
func fullPipe(t *testing.T) (w, r *os.File) {
	t.Helper()
	var fds [2]int
	must(t, syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
	must(t, syscall.SetNonblock(fds[1], true))
	filler := make([]byte, 4096)
	for {
		_, err := syscall.Write(fds[1], filler)
		if err == syscall.EAGAIN {
			break
		}
		must(t, err)
	}
	must(t, syscall.SetNonblock(fds[1], false))
	r, w = os.NewFile(uintptr(fds[0]), "read"), os.NewFile(uintptr(fds[1]), "write")
	t.Cleanup(func() { _ = w.Close(); _ = r.Close() })
	return w, r
}

// stoppedTerminal returns a terminal whose output is stopped, as by ctrl-S.
func stoppedTerminal(t *testing.T) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	must(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	must(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminal: %v", err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	must(t, unix.IoctlSetInt(int(slave.Fd()), unix.TCXONC, unix.TCOOFF))
	return slave
}

// behindSocket puts a full socket where the processes of the place expect journald and syslog.
func behindSocket(t *testing.T, p *place) *place {
	t.Helper()
	needNamespaces(t)
	m := newManager(t)
	m.fillUp(t)
	b := *p
	b.env = append([]string{"SOCKET=" + m.path}, p.env...)
	b.attr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	b.through = []string{"/bin/sh", "-ec", `mount --make-rprivate /
		mount -t tmpfs tmpfs /run
		mkdir -p /run/systemd/journal
		ln -s "$SOCKET" /run/systemd/journal/socket
		ln -s "$SOCKET" /run/syslog
		exec "$0" "$@"`}
	return &b
}

// A log destination that takes nothing delays neither the work nor the ordered stop.
func TestIssue9A_BlockedLog(t *testing.T) {
	for kind, block := range blockedKinds() {
		for name, c := range map[string]struct {
			how    plan
			config []string
			drive  func(t *testing.T, p *place, a *process)
			code   int
			life   string
		}{
			"start, reload, refused reload, stop": {
				how: plan{Reload: "wait"}, life: "start started reload reloaded reload refused stop",
				drive: func(t *testing.T, p *place, a *process) {
					a.out.await(t, "started")
					p.await(t, platform.PhaseReady)
					asked := p.begin(t, "reload")
					a.order(t, "reload")
					asked.end(t).want(t, 0)
					asked = p.begin(t, "reload")
					a.order(t, "reload fail no such host")
					asked.end(t).want(t, 1, "no such host")
					a.signal(t, syscall.SIGTERM)
				},
			},
			"second signal": {
				how: plan{Stop: "hang"}, code: 1, life: "start started stop",
				drive: func(t *testing.T, _ *place, a *process) {
					a.out.await(t, "started")
					a.signal(t, syscall.SIGTERM)
					a.out.await(t, "stop")
					a.signal(t, syscall.SIGTERM)
				},
			},
			"start_timeout": {
				how: plan{Start: "hang"}, config: []string{`start_timeout = "500ms"`, `stop_timeout = "500ms"`}, code: 1, life: "start",
				drive: func(*testing.T, *place, *process) {},
			},
			"stop_timeout": {
				how: plan{Stop: "hang"}, config: []string{`stop_timeout = "3s"`}, code: 1, life: "start started stop",
				drive: func(t *testing.T, p *place, a *process) {
					a.out.await(t, "started")
					p.await(t, platform.PhaseReady) // so that all of the time is Stop's
					a.signal(t, syscall.SIGTERM)
				},
			},
			"panic": {
				how: plan{Start: "panic oh"}, code: 70, life: "start",
				drive: func(*testing.T, *place, *process) {},
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := newPlace(t)
				b := block(t, p)
				if len(c.config) > 0 {
					p.configure(t, append([]string{"[service]"}, append(c.config, tableOf(t, p)...)...)...)
				}
				b.config = p.config
				a := b.start(t, c.how)
				c.drive(t, p, a)
				r := a.end(t)
				if got := words(r.out); got != c.life || r.code != c.code {
					t.Errorf("exit code %d, want %d; its life was %q, want %q", r.code, c.code, got, c.life)
				}
				p.clean(t)
			})
		}
	}
}

// tableOf returns the configuration file that a kind of block wrote, if it wrote one.
func tableOf(t *testing.T, p *place) []string {
	t.Helper()
	if p.config == "" {
		return nil
	}
	return strings.Split(strings.TrimSpace(content(t, p.config)), "\n")
}

// The watchdog is fed while the log's destination takes nothing.
func TestIssue9A_BlockedLogFeedsTheWatchdog(t *testing.T) {
	p := newPlace(t)
	m := newManager(t).listen()
	b := m.managed(p)
	b.stderr, _ = fullPipe(t)
	b.env = append(b.env, "WATCHDOG_USEC=20000")
	a := b.start(t, plan{})
	for _, word := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"} {
		m.await(t, word)
	}
	a.signal(t, syscall.SIGTERM)
	m.await(t, "STOPPING=1")
	a.end(t).want(t, 0)
}

// The manager's socket is full. The service goes on, and sends its messages when there is
// room.
func TestIssue9A_BlockedManager(t *testing.T) {
	p := newPlace(t)
	m := newManager(t)
	m.fillUp(t)
	b := m.managed(p)
	b.env = append(b.env, "WATCHDOG_USEC=20000")
	a := b.ready(t, plan{})
	p.do(t, "reload").want(t, 0)
	m.listen() // it reads again
	m.await(t, "READY=1")
	m.await(t, "RELOADING=1")
	m.await(t, "READY=1")
	m.await(t, "WATCHDOG=1")
	a.signal(t, syscall.SIGTERM)
	m.await(t, "STOPPING=1")
	a.end(t).want(t, 0)
}

// An instance that is refused exits with code 75, even if nobody reads its log.
func TestIssue9A_BlockedLogOfARefusal(t *testing.T) {
	p := newPlace(t)
	b := *p
	b.stderr, _ = fullPipe(t)
	a := p.ready(t, plan{})
	b.start(t, plan{}).end(t).want(t, 75)
	a.stop(t)
	p.configure(t, "[service]", "nonsense = 1")
	b.config = p.config
	b.start(t, plan{}).end(t).want(t, 78)
}

// mv x.log x.log.1; kill -HUP: after a rotation by others a new log file is begun, even if
// the reload is refused.
func TestIssue9E_FileIsReopened(t *testing.T) {
	for name, act := range map[string]string{"reloaded": "", "refused": " fail no such host"} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			path := filepath.Join(t.TempDir(), "x.log")
			p.configure(t, "[service.log]", fmt.Sprintf("file = %q", path))
			a := p.start(t, plan{Reload: "wait"})
			a.out.await(t, "started")
			p.await(t, platform.PhaseReady)
			must(t, os.Rename(path, path+".1"))
			a.signal(t, syscall.SIGHUP)
			a.order(t, "reload"+act)
			a.out.await(t, name)
			a.stop(t)
			if old := content(t, path+".1"); !strings.Contains(old, "ready: after") || strings.Contains(old, "stopping") {
				t.Errorf("the renamed file has:\n%s", old)
			}
			if now := content(t, path); !strings.Contains(now, "stopping") || strings.Contains(now, "ready: after") {
				t.Errorf("the new file has:\n%s", now)
			}
		})
	}
}

// A reader that resumes gets every line, in order.
func TestIssue9A_BlockedLogComesBack(t *testing.T) {
	p := newPlace(t)
	b := *p
	var r *os.File
	b.stderr, r = fullPipe(t)
	a := b.start(t, plan{})
	a.out.await(t, "started")
	p.await(t, platform.PhaseReady)
	p.do(t, "reload").want(t, 0)
	all := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(r)
		all <- strings.TrimLeft(string(text), "\x00")
	}()
	a.signal(t, syscall.SIGTERM)
	<-a.ended
	must(t, b.stderr.Close())
	text := <-all
	for _, word := range []string{"starting", "ready: after", "reload requested", "reloaded", "stopping", "stopped"} {
		_, rest, ok := strings.Cut(text, word)
		if !ok {
			t.Fatalf("the log does not say %q in its place", word)
		}
		text = rest
	}
}
