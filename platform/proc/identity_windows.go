package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// anyBoot stands for every boot, because creation times do not count from the boot.
const anyBoot = "any"

// beside is identify for a caller that knows the surroundings. It may leave out the image.
func beside(pid int, _ Identity, _ bool) (Identity, error) { return identify(pid) }

func surroundings() (Identity, error) { return Identity{Boot: anyBoot}, nil }

func identify(pid int) (Identity, error) {
	h, err := open(pid, 0)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return listed(pid)
	}
	if err != nil {
		return Identity{}, err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return examine(h, pid)
}

// open returns a handle of the process that has the number pid. While it is open the number is
// not reused.
func open(pid int, rights uint32) (windows.Handle, error) {
	const query = windows.PROCESS_QUERY_LIMITED_INFORMATION | windows.SYNCHRONIZE
	h, err := windows.OpenProcess(query|rights, false, uint32(pid))
	if errors.Is(err, windows.ERROR_INVALID_PARAMETER) {
		return 0, ErrGone
	}
	if err != nil {
		return 0, fmt.Errorf("open: %w", err)
	}
	// OpenProcess ignores the last two bits of a number: 4713 would open 4712.
	if id, err := windows.GetProcessId(h); err == nil && id != uint32(pid) {
		_ = windows.CloseHandle(h)
		return 0, ErrGone
	}
	return h, nil
}

// examine identifies the process behind h. A process that has ended still exists while
// somebody has a handle of it.
func examine(h windows.Handle, pid int) (Identity, error) {
	switch event, err := windows.WaitForSingleObject(h, 0); event {
	case windows.WAIT_OBJECT_0:
		return Identity{}, ErrGone
	case uint32(windows.WAIT_TIMEOUT):
	default:
		return Identity{}, fmt.Errorf("ask whether it has ended: %w", err)
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return Identity{}, fmt.Errorf("creation time: %w", err)
	}
	start := uint64(created.HighDateTime)<<32 | uint64(created.LowDateTime)
	return Identity{PID: pid, Start: start, Boot: anyBoot, Exe: image(h)}, nil
}

// image returns the present path of the image, or "" if it is unknown.
func image(h windows.Handle) string {
	buf := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(buf))
	if err := windows.QueryFullProcessImageName(h, 0, &buf[0], &n); err != nil {
		return ""
	}
	return windows.UTF16ToString(buf[:n])
}

func owner(pid int) (string, error) {
	h, err := open(pid, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var token windows.Token
	if err := windows.OpenProcessToken(h, windows.TOKEN_QUERY, &token); err != nil {
		return "", fmt.Errorf("open token: %w", err)
	}
	defer func() { _ = token.Close() }()
	user, err := token.GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("token's user: %w", err)
	}
	return user.User.Sid.String(), nil
}

// sinceBoot computes from the present clock when the machine was booted.
func sinceBoot(other Identity) bool {
	booted := time.Now().Add(-windows.DurationSinceBoot())
	const from1601to1970 = 116_444_736_000_000_000 // in 100 ns
	return time.UnixMicro((int64(other.Start) - from1601to1970) / 10).After(booted)
}

// verified opens this process, and no other, with the given rights.
func (id Identity) verified(rights uint32) (windows.Handle, error) {
	h, err := open(id.PID, rights)
	if errors.Is(err, ErrGone) {
		return 0, os.ErrProcessDone
	}
	if err != nil {
		return 0, err
	}
	now, err := examine(h, id.PID)
	if errors.Is(err, ErrGone) || err == nil && !id.Same(now) {
		err = os.ErrProcessDone
	}
	if err != nil {
		_ = windows.CloseHandle(h)
		return 0, err
	}
	return h, nil
}

// waitStep is the maximum delay before wait notices the end of its context.
const waitStep = 20 * time.Millisecond

func wait(ctx context.Context, id Identity) error {
	h, err := id.verified(0)
	switch {
	case errors.Is(err, os.ErrProcessDone):
		return nil
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return poll(ctx, id)
	case err != nil:
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	for {
		event, err := windows.WaitForSingleObject(h, uint32(waitStep.Milliseconds()))
		switch {
		case err != nil:
			return fmt.Errorf("wait for process %d: %w", id.PID, err)
		case event == windows.WAIT_OBJECT_0:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
	}
}

func signal(id Identity, sig os.Signal) error {
	rights := uint32(0)
	if sig == syscall.SIGKILL {
		rights = windows.PROCESS_TERMINATE
	}
	h, err := id.verified(rights)
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }() // only after the request: the handle keeps the number from being reused
	switch sig {
	case syscall.SIGKILL:
		return windows.TerminateProcess(h, 1)
	case syscall.SIGTERM, syscall.SIGHUP:
		err := ask(id, sig)
		if event, _ := windows.WaitForSingleObject(h, 0); err != nil && event == windows.WAIT_OBJECT_0 {
			return os.ErrProcessDone
		}
		return err
	}
	return fmt.Errorf("%v: %w on Windows", sig, errors.ErrUnsupported)
}

// unreaped returns false, because Windows has no zombies.
func unreaped(Identity) bool { return false }
