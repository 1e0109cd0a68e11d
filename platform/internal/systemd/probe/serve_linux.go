package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/holdfast-dev/holdfast/platform"
	"github.com/holdfast-dev/holdfast/platform/internal/systemd"
)

// Files of a serving probe, in its runtime directory.
const (
	needsFile   = "needs"   // results of needs
	outcomeFile = "outcome" // of the last reload
	rejectFile  = "reject"  // if it exists, the next reload fails
)

func dir() string {
	if d := os.Getenv("RUNTIME_DIRECTORY"); d != "" {
		return d
	}
	return filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "probe")
}

func serve(n *systemd.Notifier) error {
	stop, hup := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	signal.Notify(hup, syscall.SIGHUP)
	report := "ok\n"
	if err := needs(); err != nil {
		report = err.Error() + "\n"
	}
	report += fmt.Sprintf("direct %t, watchdog %v, children get %q\n", n.Direct(), n.Watchdog(), leftovers())
	if err := os.MkdirAll(dir(), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir(), needsFile), []byte(report), 0o644); err != nil {
		return err
	}
	notify := func(notice platform.Notice) {
		if err := n.Notify(notice); err != nil {
			fmt.Fprintln(os.Stderr, "probe:", err)
		}
	}
	notify(platform.Notice{Phase: platform.PhaseReady, Text: "up"})
	var tick <-chan time.Time
	if n.Watchdog() > 0 {
		tick = time.Tick(n.Watchdog() / 2)
	}
	for reloads := 1; ; {
		select {
		case <-stop:
			notify(platform.Notice{Phase: platform.PhaseStopping, Text: "leaving"})
			return nil
		case <-tick:
			notify(platform.Notice{Alive: true})
		case <-hup:
			notify(platform.Notice{Phase: platform.PhaseReloading})
			outcome := "ok"
			if os.Remove(filepath.Join(dir(), rejectFile)) == nil {
				outcome = "rejected"
			}
			notify(platform.Notice{Phase: platform.PhaseReady, Text: fmt.Sprintf("reload %d: %s", reloads, outcome)})
			if err := replace(filepath.Join(dir(), outcomeFile), outcome); err != nil {
				return err
			}
			reloads++
		}
	}
}

func replace(path, content string) error {
	if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// reload works like a real reload command: it signals one verified process and waits for its
// answer.
func reload() error {
	pid, err := strconv.Atoi(os.Getenv("MAINPID"))
	if err != nil {
		return err
	}
	file := filepath.Join(dir(), outcomeFile)
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd_open: %w", err)
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err != nil {
		return err
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGHUP, nil, 0); err != nil {
		return fmt.Errorf("pidfd_send_signal: %w", err)
	}
	for range 500 {
		outcome, err := os.ReadFile(file)
		switch {
		case err == nil && string(outcome) == "ok":
			return nil
		case err == nil:
			return errors.New(string(outcome))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("no outcome")
}

func deaf(n *systemd.Notifier) error {
	if err := n.Notify(platform.Notice{Phase: platform.PhaseReady}); err != nil {
		return err
	}
	time.Sleep(time.Hour)
	return nil
}
