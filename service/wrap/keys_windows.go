package wrap

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// console prepares the command for the keys that end it. It gets a console of its own, unless it can
// share ours. For ctrl-break it gets a process group of its own, too, in which the system disables
// ctrl-C.
func console(cmd *exec.Cmd, o Stop) {
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true}
	if o.Keys == "ctrl-break" {
		cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	}
	if !atConsole() {
		cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_CONSOLE
	}
}

// atConsole reports whether we have a console, because a person has started us. A service has none.
func atConsole() bool {
	page, err := windows.GetConsoleCP()
	return err == nil && page != 0
}

// A keyboard presses keys for commands, and keeps those presses from us.
type keyboard struct {
	made     sync.Once
	handler  uintptr      // the address of hear
	presses  atomic.Int32 // of ctrl-C at our own console that we have not heard yet
	visiting atomic.Bool  // we know only the consoles of commands, where nobody presses keys for us
}

// ask asks a process to end, as a person would by keyboard or mouse.
func (k *keyboard) ask(ctx context.Context, p *process, o Stop) error {
	if p.hasEnded() {
		return os.ErrProcessDone
	}
	pid := uint32(p.pid()) //nolint:gosec // a process id is one
	switch o.Keys {
	case "ctrl-break": // this key alone can be sent to one process group
		return k.withConsole(ctx, p, func() error { return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, pid) })
	case "ctrl-c":
		return k.withConsole(ctx, p, k.ctrlC)
	case "close":
		return closeWindows(pid)
	}
	return nil
}

// kernel32 calls a function that golang.org/x/sys lacks.
func kernel32(name string, args ...uintptr) error {
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc(name).Call(args...)
	if ok == 0 {
		return os.NewSyscallError(name, err)
	}
	return nil
}

// withConsole calls do while our console is that of p. A key that is pressed there reaches all processes
// of that console. A process that has just been started has none yet, so withConsole waits for it until
// ctx ends.
func (k *keyboard) withConsole(ctx context.Context, p *process, do func() error) error {
	if atConsole() {
		return do()
	}
	_ = kernel32("FreeConsole") // Wine claims that there is one, which is wrong
	k.visiting.Store(true)
	err := attach(p)
	for err != nil {
		select {
		case <-p.ended:
			return err
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
			err = attach(p)
		}
	}
	err = do()
	_ = kernel32("FreeConsole")
	return err
}

func attach(p *process) error { return kernel32("AttachConsole", uintptr(p.pid())) }

// ctrlC presses ctrl-C for all processes of our console, and keeps it from us. The system delivers it
// in a thread of its own, at an unknown time. To ignore ctrl-C meanwhile would have every process that
// we start ignore it, too.
func (k *keyboard) ctrlC() error {
	k.made.Do(func() { k.handler = windows.NewCallback(k.hear) })
	_ = kernel32("SetConsoleCtrlHandler", k.handler, 0) // an earlier one, if AttachConsole has left it
	if err := kernel32("SetConsoleCtrlHandler", k.handler, 1); err != nil {
		return err
	}
	k.presses.Add(1)
	err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0)
	if err != nil {
		k.presses.Add(-1)
	}
	time.Sleep(stay)
	return err
}

// stay is how long we stay at a console after a ctrl-C, which the system may still be delivering.
const stay = 200 * time.Millisecond

// hear is called by the system for a key. It returns 1 for a ctrl-C of ours; the others are for Go's
// own handler.
func (k *keyboard) hear(key uint32) uintptr {
	if key != windows.CTRL_C_EVENT {
		return 0
	}
	if k.visiting.Load() {
		return 1
	}
	for n := k.presses.Load(); n > 0; n = k.presses.Load() {
		if k.presses.CompareAndSwap(n, n-1) {
			return 1
		}
	}
	return 0
}

const wmClose = 0x10

// closeWindows asks the windows of a process to close, as their close button does.
func closeWindows(pid uint32) error {
	post := windows.NewLazySystemDLL("user32.dll").NewProc("PostMessageW")
	found := 0
	visit := syscall.NewCallback(func(window windows.HWND, _ uintptr) uintptr {
		var owner uint32
		if _, err := windows.GetWindowThreadProcessId(window, &owner); err == nil && owner == pid {
			if ok, _, _ := post.Call(uintptr(window), wmClose, 0, 0); ok != 0 {
				found++
			}
		}
		return 1
	})
	var nothing byte
	if err := windows.EnumWindows(visit, unsafe.Pointer(&nothing)); err != nil {
		return os.NewSyscallError("EnumWindows", err)
	}
	if found == 0 {
		return fmt.Errorf("process %d has no window that could be closed", pid)
	}
	return nil
}
