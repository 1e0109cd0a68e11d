package wrap

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
)

// An outcome says how a process ended.
type outcome struct {
	code   int    // -1 if a signal ended it
	signal string // such as "SIGKILL", or empty
	number int    // of the signal
}

func (o outcome) String() string {
	if o.signal != "" {
		return "killed by " + o.signal
	}
	return fmt.Sprintf("exit code %d", o.code)
}

// exit returns the exit code of the service if its command has ended by itself.
func (o outcome) exit(table map[string]int) int {
	key := o.signal
	if key == "" {
		key = strconv.Itoa(o.code)
	}
	if code, ok := table[key]; ok {
		return code
	}
	switch {
	case o.signal != "":
		return 128 + o.number
	case slices.Contains(platform.ExitsForGood(), o.code), o.code < 0, o.code > 255:
		// To a manager these codes mean that restarting the service is of no use, which the
		// command did not mean. Codes of Windows may be greater than 255.
		return platform.ExitFailed
	}
	return o.code
}
