// Package tell is how a measured program tells the harness when its reload was called.
package tell

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// FD is the descriptor that the harness reads; it is open in every program that it starts.
const FD = 3

// Reloaded reports the time by the monotonic clock, which all processes share. The harness wakes up when it likes: that
// is not part of what is measured.
func Reloaded() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	_, err := unix.Write(FD, binary.NativeEndian.AppendUint64(nil, uint64(now.Nano())))
	return os.NewSyscallError("write", err)
}
