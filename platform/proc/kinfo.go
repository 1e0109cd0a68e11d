package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// kinfo has the fields that identify a process, from struct kinfo_proc in FreeBSD's
// <sys/user.h>.
type kinfo struct {
	pid, parent int
	uid         uint32        // effective user
	start       time.Duration // time since 1970, by the wall clock
	zombie      bool
}

// The struct begins with its own size, which distinguishes the layouts. All 64-bit machines
// have had this layout since FreeBSD 5.
const (
	kinfoSize   = 1088
	kinfoPID    = 72
	kinfoParent = 76
	kinfoUID    = 168
	kinfoStart  = 336 // a struct timeval: two numbers of 64 bits
	kinfoState  = 388
	kinfoZombie = 5 // SZOMB in <sys/proc.h>
)

// parseKinfo decodes FreeBSD's kern.proc.pid, which is one struct kinfo_proc.
func parseKinfo(raw []byte) (kinfo, error) {
	if len(raw) < 4 {
		return kinfo{}, ErrGone
	}
	order := binary.LittleEndian
	if size := order.Uint32(raw); size != kinfoSize || len(raw) < kinfoSize {
		return kinfo{}, fmt.Errorf("struct kinfo_proc of %d bytes in %d: %w", size, len(raw), errors.ErrUnsupported)
	}
	seconds, micros := order.Uint64(raw[kinfoStart:]), order.Uint64(raw[kinfoStart+8:])
	return kinfo{
		pid: int(int32(order.Uint32(raw[kinfoPID:]))), parent: int(int32(order.Uint32(raw[kinfoParent:]))),
		uid:    order.Uint32(raw[kinfoUID:]),
		start:  time.Duration(int64(seconds))*time.Second + time.Duration(int64(micros))*time.Microsecond,
		zombie: raw[kinfoState] == kinfoZombie,
	}, nil
}

// sinceBooted returns the start time of a process in microseconds since boot. The kernel
// stores that, but reports it plus the boot time, which changes when the wall clock is set. So
// sinceBooted subtracts the boot time. before and after are the boot times read before and
// after the start time. settled is false if they differ, because the clock was set in between.
func sinceBooted(start, before, after time.Duration) (micros uint64, settled bool) {
	if before != after || start < before {
		return 0, false
	}
	return uint64((start - before) / time.Microsecond), true
}
