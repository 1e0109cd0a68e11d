package scm

import (
	"errors"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// scmImage is the image of the SCM's process, from boot to shutdown.
const scmImage = "services.exe"

// bySCM reports whether the SCM may have started this process: whether its parent is
// services.exe, which only starts services and the programs of their recovery actions. It also
// returns true if the list of processes is not available.
//
// Other processes must not connect to the SCM. A process that connects while the SCM waits for
// another one takes the place of that process (event 7039, "A service process other than the
// one launched by the Service Control Manager connected"). So a start by hand would break a
// service start at the same time.
func bySCM() bool {
	list, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return true
	}
	defer windows.CloseHandle(list) //nolint:errcheck // a handle
	self, parent, images := windows.GetCurrentProcessId(), uint32(0), map[uint32]string{}
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(list, &entry); err == nil; err = windows.Process32Next(list, &entry) {
		images[entry.ProcessID] = windows.UTF16ToString(entry.ExeFile[:])
		if entry.ProcessID == self {
			parent = entry.ParentProcessID
		}
	}
	return !errors.Is(err, windows.ERROR_NO_MORE_FILES) || strings.EqualFold(images[parent], scmImage)
}
