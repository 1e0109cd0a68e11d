package wrap

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/holdfast-dev/holdfast/platform"
)

// outcome is how a process ended.
type outcome struct {
	code   int    // -1: a signal ended it
	signal string // "SIGKILL"; empty: none did
	number int    // of the signal
}

func (o outcome) String() string {
	if o.signal != "" {
		return "killed by " + o.signal
	}
	return fmt.Sprintf("exit code %d", o.code)
}

// exit is the code that the service ends with, where its command has ended so by itself.
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
		// To a manager those say that it is of no use to start the service again, which
		// the command did not mean; and Windows has greater ones.
		return platform.ExitFailed
	}
	return o.code
}
