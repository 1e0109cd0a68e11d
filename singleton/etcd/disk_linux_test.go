package etcd_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syncTime is how long a sync of this process takes, in nanoseconds.
var syncTime atomic.Int64

// ownDisk makes the disk of this process one that syncs in syncTime. A filter stops each
// thread that syncs, as a slow disk does, and the other threads go on. Then nothing is
// written: what dies in these tests are processes, and not the machine.
func ownDisk() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 1, K: unix.SYS_FSYNC},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_FDATASYNC},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: seccompAllow},
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // five
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	listener, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	go answerSyncs(listener)
	return nil
}

// aSync returns how long a sync in dir takes.
func aSync(dir string) time.Duration {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		panic(err)
	}
	defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }()
	begin := time.Now()
	if err := f.Sync(); err != nil {
		panic(err)
	}
	return time.Since(begin)
}

const seccompAllow = 0x7fff0000 // SECCOMP_RET_ALLOW

// A syncCall is struct seccomp_notif.
type syncCall struct {
	id         uint64
	pid, flags uint32
	_          [64]byte
}

// A syncResult is struct seccomp_notif_resp.
type syncResult struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

func answerSyncs(listener uintptr) {
	for {
		var call syncCall
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&call)))
		switch {
		case errno == 0:
		case errors.Is(errno, unix.EINTR), errors.Is(errno, unix.ENOENT): // a signal, or the thread had one
			continue
		default:
			panic(errno)
		}
		go func() {
			time.Sleep(time.Duration(syncTime.Load()))
			result := syncResult{id: call.id}
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&result)))
		}()
	}
}
