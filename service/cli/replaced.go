package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/holdfast-dev/holdfast/singleton"
)

// replaced reports whether there is another program by now where the holder's was
// when it was started: not the file that it runs or, where the system does not say
// which that is, one that was written since.
func replaced(h singleton.Holder) bool {
	path := strings.TrimSuffix(h.Exe, " (deleted)")
	if path == "" {
		return false
	}
	now, err := os.Stat(path)
	if err != nil {
		return false
	}
	if runs, err := os.Stat(fmt.Sprintf("/proc/%d/exe", h.PID)); err == nil {
		return !os.SameFile(now, runs)
	}
	return !h.Since.IsZero() && now.ModTime().After(h.Since)
}
