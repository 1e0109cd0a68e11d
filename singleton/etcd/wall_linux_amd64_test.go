package etcd_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// wallSeconds is added to the time of day of this process.
var wallSeconds int64

// stepWall sets the time of day of this process. Go never learns of it: it reads the clock as
// it did before.
func stepWall(by time.Duration) { atomic.AddInt64(&wallSeconds, int64(by/time.Second)) }

// ownWall makes the time of day one of this process alone. There is no namespace for it. Go
// asks a function that the kernel has put into each process, the vDSO, so that function is
// replaced by one that adds wallSeconds.
func ownWall() error {
	code, at, err := vdso()
	if err != nil {
		return err
	}
	f, err := elf.NewFile(bytes.NewReader(code))
	if err != nil {
		return err
	}
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return err
	}
	var clock, unused elf.Symbol // nothing in Go calls the other one, whose place the new function takes
	for _, s := range symbols {
		switch s.Name {
		case "__vdso_clock_gettime":
			clock = s
		case "__vdso_gettimeofday":
			unused = s
		}
	}
	function := wallFunction()
	if clock.Value == 0 || clock.Value%8 != 0 || unused.Size < uint64(len(function)) {
		return errors.New("the vDSO is not as expected")
	}
	if err := unix.Mprotect(code, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC); err != nil {
		return err
	}
	copy(code[unused.Value:], function)
	jump := [8]byte{0xe9, 0, 0, 0, 0, 0xcc, 0xcc, 0xcc}
	binary.LittleEndian.PutUint32(jump[1:], uint32(unused.Value-clock.Value-5)) //nolint:gosec // a negative distance wraps
	// Other threads read the clock meanwhile: they see the old function or the jump.
	atomic.StoreUint64((*uint64)(pointer(at+uintptr(clock.Value))), binary.LittleEndian.Uint64(jump[:]))
	before := time.Now()
	stepWall(time.Hour)
	stepped := time.Now().Round(0).Sub(before.Round(0)) > time.Hour-time.Minute
	stepWall(-time.Hour)
	if !stepped {
		return errors.New("the time of day does not step")
	}
	return nil
}

// vdso returns the pages of the vDSO, and their address.
func vdso() (code []byte, at uintptr, err error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(line, "[vdso]\n") {
			var end uintptr
			if _, err := fmt.Sscanf(line, "%x-%x", &at, &end); err != nil {
				return nil, 0, err
			}
			return unsafe.Slice((*byte)(pointer(at)), end-at), at, nil
		}
	}
	return nil, 0, errors.New("there is no vDSO")
}

// pointer returns a pointer to what the kernel has mapped.
func pointer(at uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

// wallFunction returns the machine code of clock_gettime(2) that adds wallSeconds.
func wallFunction() []byte {
	code := []byte{
		0xb8, 228, 0, 0, 0, // mov eax, SYS_clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi
		0x75, 16, // jnz, unless it is CLOCK_REALTIME, to ret
		0x48, 0xba, // mov rdx, &wallSeconds
	}
	code = binary.LittleEndian.AppendUint64(code, uint64(uintptr(unsafe.Pointer(&wallSeconds))))
	return append(code,
		0x48, 0x8b, 0x12, // mov rdx, [rdx]
		0x48, 0x01, 0x16, // add [rsi], rdx
		0xc3, // ret
	)
}
