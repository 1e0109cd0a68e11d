package trial

import (
	"fmt"
	"os"
	"path/filepath"
)

// become executes the open file itself, even if its name leads elsewhere by now.
func become(f *os.File, env []string) error {
	return exec(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), env)
}

// rename restores the process name that ps(1) shows. The kernel has named the process after
// the descriptor by which it was executed.
func rename(path string) {
	if f, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString(filepath.Base(path))
		_ = f.Close()
	}
}
