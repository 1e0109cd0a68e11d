package proc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// kinfo is what identifies a process in a struct kinfo_proc of FreeBSD's <sys/user.h>.
type kinfo struct {
	pid, parent int
	uid         uint32        // the effective one
	start       time.Duration // since 1970, by the wall clock
	zombie      bool
}

// The struct has its own size in front, which tells the layouts apart, and has kept this
// one on all machines of 64 bits since FreeBSD 5.
const (
	kinfoSize   = 1088
	kinfoPID    = 72
	kinfoParent = 76
	kinfoUID    = 168
	kinfoStart  = 336 // a struct timeval: two numbers of 64 bits
	kinfoState  = 388
	kinfoZombie = 5 // SZOMB in <sys/proc.h>
)

// parseKinfo reads what kern.proc.pid of FreeBSD holds: one struct kinfo_proc.
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

// sinceBooted is when a process was started, in microseconds since the machine was. The
// kernel keeps that, and adds the time of the boot when it is asked, which moves when the
// wall clock is set: so it is taken off again. settled is false where the clock was set
// meanwhile: before and after are what the time of the boot was then.
func sinceBooted(start, before, after time.Duration) (micros uint64, settled bool) {
	if before != after || start < before {
		return 0, false
	}
	return uint64((start - before) / time.Microsecond), true
}
