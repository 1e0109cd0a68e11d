//go:build unix

package hangup

import (
	"os"
	"slices"
	"strconv"
)

// expected reports whether this process is about to be a service. The environment counts only
// if it names this very process, not its parent. The variables are those of systemd.exec(5)
// and native.StarterVariable, whose package is initialised too late for use here.
func expected() bool {
	pid, starter := strconv.Itoa(os.Getpid()), os.Getenv("HOLDFAST_STARTER")
	return slices.Contains(os.Args[min(1, len(os.Args)):], "run") || os.Getenv("SYSTEMD_EXEC_PID") == pid ||
		ends(starter, " "+pid) || ends(starter, " "+strconv.Itoa(os.Getppid()))
}

// ends is strings.HasSuffix, without the initialisation of package strings.
func ends(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}
