package tell

import (
	"context"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// FD is the descriptor that the harness reads. It is open in every program that the harness
// starts.
const FD = 3

// Reloaded reports the time of the monotonic clock, which all processes share. When the
// harness wakes up is no part of the measurement.
func Reloaded() error {
	now, err := clock(unix.CLOCK_MONOTONIC)
	if err != nil {
		return err
	}
	return report(now)
}

// Counter returns a health check that succeeds. With the last of n calls after the first it
// reports the processor time of the program since the first.
func Counter(n int) func(context.Context) error {
	calls, begun := 0, int64(0)
	return func(context.Context) error {
		calls++
		if calls != 1 && calls != n+1 {
			return nil
		}
		now, err := clock(unix.CLOCK_PROCESS_CPUTIME_ID)
		if err != nil || calls == 1 {
			begun = now
			return err
		}
		return report(now - begun)
	}
}

func clock(id int32) (int64, error) {
	var now unix.Timespec
	err := unix.ClockGettime(id, &now)
	return now.Nano(), os.NewSyscallError("clock_gettime", err)
}

func report(v int64) error {
	_, err := unix.Write(FD, binary.NativeEndian.AppendUint64(nil, uint64(v)))
	return os.NewSyscallError("write", err)
}
