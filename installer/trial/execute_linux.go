package trial

import (
	"fmt"
	"os"
	"path/filepath"
)

// become executes the very file that is open, whatever its name leads to by now.
func become(f *os.File, env []string) error {
	return exec(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), env)
}

// rename gives this process the name that ps(1) shows for the program of the service:
// the kernel has named it after the descriptor that it was executed by.
func rename(path string) {
	if f, err := os.OpenFile("/proc/self/comm", os.O_WRONLY, 0); err == nil {
		_, _ = f.WriteString(filepath.Base(path))
		_ = f.Close()
	}
}
