package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// listed looks up a process that we may not open in the list of all processes.
func listed(pid int) (Identity, error) {
	list, err := processes()
	if err != nil {
		return Identity{}, fmt.Errorf("it is hidden from this process: %w: %w", fs.ErrPermission, err)
	}
	for p := (*windows.SYSTEM_PROCESS_INFORMATION)(unsafe.Pointer(&list[0])); ; {
		if p.UniqueProcessID == uintptr(pid) {
			return Identity{PID: pid, Start: uint64(p.CreateTime), Boot: anyBoot}, nil
		}
		if p.NextEntryOffset == 0 {
			return Identity{}, ErrGone
		}
		p = (*windows.SYSTEM_PROCESS_INFORMATION)(unsafe.Add(unsafe.Pointer(p), p.NextEntryOffset))
	}
}

// processes returns the kernel's list, as words because its entries are aligned to words.
func processes() ([]uint64, error) {
	size := uint32(256 << 10)
	for range 10 { // the list may grow between two calls
		list := make([]uint64, size/8)
		err := windows.NtQuerySystemInformation(windows.SystemProcessInformation, unsafe.Pointer(&list[0]), size, &size)
		if !errors.Is(err, windows.STATUS_INFO_LENGTH_MISMATCH) {
			return list, err
		}
		size = (size + 64<<10) &^ 7
	}
	return nil, windows.STATUS_INFO_LENGTH_MISMATCH
}
