package scm

import (
	"errors"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"
)

// scmImage is the image of the process that is the SCM, from boot to shutdown.
const scmImage = "services.exe"

// bySCM reports whether the SCM may have started this process: whether its parent
// is services.exe, which starts nothing else but services and the programs of
// their recovery actions. It is so, too, where the list of processes cannot be had.
//
// Who is not asks the SCM nothing. A process that connects while the SCM waits for
// another one takes that one's place (event 7039, "A service process other than
// the one launched by the Service Control Manager connected"): a start by hand
// would break the start of a service that happens at the same time.
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
