//go:build freebsd && (amd64 || arm64)

package proc

import (
	"unsafe"

	"github.com/shirou/gopsutil/v3/process"
)

// The layout is the one that gopsutil has from the system's own headers: this does not
// compile otherwise.
var (
	theirs process.KinfoProc

	_ = [1]int{}[unsafe.Sizeof(theirs)-kinfoSize]
	_ = [1]int{}[unsafe.Offsetof(theirs.Pid)-kinfoPID]
	_ = [1]int{}[unsafe.Offsetof(theirs.Ppid)-kinfoParent]
	_ = [1]int{}[unsafe.Offsetof(theirs.Uid)-kinfoUID]
	_ = [1]int{}[unsafe.Offsetof(theirs.Start)-kinfoStart]
	_ = [1]int{}[unsafe.Offsetof(theirs.Stat)-kinfoState]
	_ = [1]int{}[process.SZOMB-kinfoZombie]
)
