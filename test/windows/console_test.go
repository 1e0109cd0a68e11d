//go:build windows

package windows_test

import (
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/windows"
)

// console is a terminal without a person, and one process that was started there.
type console struct {
	handle windows.Handle
	keys   *os.File // what is typed: nothing
	out    *os.File
	closed bool

	process windows.Handle
	pid     int
}

// openConsole starts a program in a console of its own.
func openConsole(t *testing.T, argv ...string) *console {
	t.Helper()
	keysR, keysW, err := os.Pipe()
	must(t, err)
	outR, outW, err := os.Pipe()
	must(t, err)
	c := &console{keys: keysW, out: outR}
	must(t, windows.CreatePseudoConsole(windows.Coord{X: 200, Y: 50}, windows.Handle(keysR.Fd()), windows.Handle(outW.Fd()), 0, &c.handle))
	must(t, keysR.Close())
	must(t, outW.Close())
	screen := make(chan string, 1)
	go func() {
		var text []byte
		for buf := make([]byte, 4096); ; {
			n, err := c.out.Read(buf)
			text = append(text, buf[:n]...)
			if err != nil {
				screen <- string(text)
				return
			}
		}
	}()

	attributes, err := windows.NewProcThreadAttributeList(1)
	must(t, err)
	defer attributes.Delete()
	// The value is the handle itself, which is an address.
	must(t, attributes.Update(windows.PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE, *(*unsafe.Pointer)(unsafe.Pointer(&c.handle)), unsafe.Sizeof(c.handle)))
	// Without STARTF_USESTDHANDLES it would get this process's standard streams, if those are
	// pipes.
	si := windows.StartupInfoEx{ProcThreadAttributeList: attributes.List()}
	si.Cb = uint32(unsafe.Sizeof(si))
	si.Flags = windows.STARTF_USESTDHANDLES
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(argv))
	must(t, err)
	var pi windows.ProcessInformation
	must(t, windows.CreateProcess(nil, line, nil, nil, false, windows.EXTENDED_STARTUPINFO_PRESENT, nil, nil, &si.StartupInfo, &pi))
	_ = windows.CloseHandle(pi.Thread)
	c.process, c.pid = pi.Process, int(pi.ProcessId)
	t.Cleanup(func() {
		_ = windows.TerminateProcess(c.process, 9)
		c.close()
		_ = c.keys.Close()
		text := <-screen
		_ = c.out.Close()
		_ = windows.CloseHandle(c.process)
		if t.Failed() {
			t.Logf("on its screen: %q", text)
		}
	})
	return c
}

// close closes the window.
func (c *console) close() {
	if !c.closed {
		c.closed = true
		windows.ClosePseudoConsole(c.handle)
	}
}

// code waits for the end of the process.
func (c *console) code(t *testing.T) uint32 {
	t.Helper()
	if event, err := windows.WaitForSingleObject(c.process, uint32(soon.Milliseconds())); event != windows.WAIT_OBJECT_0 {
		t.Fatalf("process %d runs on (%v)", c.pid, err)
	}
	var code uint32
	must(t, windows.GetExitCodeProcess(c.process, &code))
	return code
}
