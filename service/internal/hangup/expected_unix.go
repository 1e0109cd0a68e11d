//go:build unix

package hangup

import (
	"os"
	"slices"
	"strconv"
)

// expected reports whether this process is about to be a service. The environment
// counts only where it names this process, and not one that it is a child of: the
// variables are systemd.exec(5)'s and native.StarterVariable, whose package comes
// too late.
func expected() bool {
	pid, starter := strconv.Itoa(os.Getpid()), os.Getenv("HOLDFAST_STARTER")
	return slices.Contains(os.Args[min(1, len(os.Args)):], "run") || os.Getenv("SYSTEMD_EXEC_PID") == pid ||
		ends(starter, " "+pid) || ends(starter, " "+strconv.Itoa(os.Getppid()))
}

// ends is strings.HasSuffix, whose package has tables to make.
func ends(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}
