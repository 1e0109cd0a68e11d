package proc

import (
	"fmt"
	"math/bits"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// monotonic uses QueryPerformanceCounter and not GetTickCount64, which stands still for up to
// 16 ms: two events within one tick could not be ordered.
func monotonic() (time.Duration, error) {
	kernel := windows.NewLazySystemDLL("kernel32.dll")
	var count, perSecond uint64
	for name, to := range map[string]*uint64{"QueryPerformanceCounter": &count, "QueryPerformanceFrequency": &perSecond} {
		if ok, _, err := kernel.NewProc(name).Call(uintptr(unsafe.Pointer(to))); ok == 0 {
			return 0, fmt.Errorf("monotonic clock: %s: %w", name, err)
		}
	}
	high, low := bits.Mul64(count, uint64(time.Second))
	ns, _ := bits.Div64(high, low, perSecond)
	return time.Duration(ns), nil
}
