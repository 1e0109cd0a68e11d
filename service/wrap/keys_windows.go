package wrap

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// console gives the command what the keys are for that end it: a console of its own, unless we
// have one that it can share; and for ctrl-break a process group of its own, which the system makes
// deaf to ctrl-C.
func console(cmd *exec.Cmd, o Stop) {
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true}
	if o.Keys == "ctrl-break" {
		cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_PROCESS_GROUP
	}
	if !atConsole() {
		cmd.SysProcAttr.CreationFlags |= windows.CREATE_NEW_CONSOLE
	}
}

// atConsole reports whether a person has started us at a console, which a service has none of.
func atConsole() bool {
	page, err := windows.GetConsoleCP()
	return err == nil && page != 0
}

// ask is the way to stop by what a person would do at the keyboard or the mouse.
func (p *process) ask(o Stop) error {
	if p.hasEnded() {
		return os.ErrProcessDone
	}
	pid := uint32(p.pid()) //nolint:gosec // a process id is one
	switch o.Keys {
	case "ctrl-break": // the one that a process group of its own gets alone
		return withConsole(pid, func() error { return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, pid) })
	case "ctrl-c":
		return withConsole(pid, func() error { return ctrlC() })
	case "close":
		return closeWindows(pid)
	}
	return nil
}

// kernel32 has what golang.org/x/sys lacks.
func kernel32(name string, args ...uintptr) error {
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc(name).Call(args...)
	if ok == 0 {
		return os.NewSyscallError(name, err)
	}
	return nil
}

// withConsole has do be called while our console is that of the process pid: a key pressed
// there reaches those who have the same.
func withConsole(pid uint32, do func() error) error {
	if atConsole() {
		return do()
	}
	_ = kernel32("FreeConsole") // Wine says that there is one, and it is none
	if err := kernel32("AttachConsole", uintptr(pid)); err != nil {
		return err
	}
	err := do()
	_ = kernel32("FreeConsole")
	return err
}

// ctrlC presses ctrl-C, which all get that have our console, and which we ignore meanwhile.
func ctrlC() error {
	if err := kernel32("SetConsoleCtrlHandler", 0, 1); err != nil {
		return err
	}
	err := windows.GenerateConsoleCtrlEvent(windows.CTRL_C_EVENT, 0)
	time.Sleep(heard) // it is delivered by a thread of the system's, and nothing says when
	_ = kernel32("SetConsoleCtrlHandler", 0, 0)
	return err
}

// heard is how long we are deaf to ctrl-C ourselves.
const heard = 200 * time.Millisecond

const wmClose = 0x10

// closeWindows asks the windows of a process to close, as the button in their corner does.
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
